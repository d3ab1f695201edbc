#pragma once

#include <array>
#include <string_view>

/// What strangers write, given to what reads it. Each target throws Finding where a reader's
/// promise is broken; an input that is refused with an Error is none.
namespace netlend::fuzz {

void annotations(std::string_view input);
void config(std::string_view input);
void ledger(std::string_view input);
void lend_words(std::string_view input);
void names(std::string_view input);
void netlink(std::string_view input);
void nic_spec(std::string_view input);
void plan_file(std::string_view input);
void policy(std::string_view input);
void state(std::string_view input);
void text(std::string_view input);

struct Target {
  /// That of its folder in corpus/.
  std::string_view name;
  void (*run)(std::string_view input);
};

inline constexpr std::array kTargets{
    Target{"annotations", annotations},
    Target{"config", config},
    Target{"ledger", ledger},
    Target{"lend_words", lend_words},
    Target{"names", names},
    Target{"netlink", netlink},
    Target{"nic_spec", nic_spec},
    Target{"plan_file", plan_file},
    Target{"policy", policy},
    Target{"state", state},
    Target{"text", text},
};

}  // namespace netlend::fuzz
