#include "base/error.hpp"

#include <fmt/core.h>

#include <cstring>
#include <new>

namespace netlend {

Error::Error(const std::string& message, int errno_value)
    : std::runtime_error(message), errno_value_(errno_value) {}

Error Error::usage(const std::string& message) {
  Error error(message);
  error.kind_ = ErrorKind::usage;
  return error;
}

Error Error::within(std::string_view context) const {
  Error error(fmt::format("{}: {}", context, what()), errno_value_);
  error.kind_ = kind_;
  return error;
}

const char* text_of(const std::exception& error) noexcept {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ? "out of memory" : error.what();
}

std::string errno_text(int errno_value) {
  const char* name = ::strerrorname_np(errno_value);
  const char* text = ::strerrordesc_np(errno_value);
  return fmt::format("{} ({})", text != nullptr ? text : "unknown error",
                     name != nullptr ? name : std::to_string(errno_value));
}

}  // namespace netlend
