#include "net/lender_fixture.hpp"

#include <sys/mount.h>

#include <filesystem>

#include "base/syscall.hpp"

namespace netlend::test {

LenderFixture::LenderFixture()
    : state_path_("/run/netlend-" + random_hex(4)), state_(state_path_) {}

LenderFixture::~LenderFixture() {
  give_all_back();
  for (const char* folder : {"/pins", "/staging"}) {
    ::umount2((state_path_ + folder).c_str(), MNT_DETACH);
  }
  std::error_code ignored;
  std::filesystem::remove_all(state_path_, ignored);
}

LendingContext LenderFixture::listening() {
  LendingContext listening = context();
  listening.on_note = [this](std::string_view note) { notes.emplace_back(note); };
  return listening;
}

Borrower LenderFixture::borrower_of(const Sleeper& who, const std::string& id) {
  return {.id = ContainerId{id},
          .key = "/bundles/" + id,
          .netns = Netns::of_process(who.pid()),
          .process = identify_process(who.pid()),
          .netns_path = ""};
}

std::vector<std::string> LenderFixture::give_all_back() {
  std::vector<std::string> texts;
  for (const auto& failure : reap(context(), ReapScope::all)) texts.push_back(failure.what);
  return texts;
}

void LenderFixture::check_state_is_empty() {
  BOOST_TEST(sh("find " + state_path_ + " ! -type d") == "");
  BOOST_TEST(sh("grep -c '" + state_path_ + "/.*/' /proc/self/mountinfo || true") == "0");
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : "; ") + text;
  return out;
}

std::string texts_of(const Failures& failures) {
  std::vector<std::string> texts;
  for (const auto& failure : failures) texts.push_back(failure.what);
  return joined(texts);
}

}  // namespace netlend::test
