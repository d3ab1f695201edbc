#pragma once

#include <string>
#include <string_view>

namespace netlend {

enum class LogFormat { text, json };
enum class LogLevel { debug, info, warning, error };

/// Where `--log FILE --log-format FORMAT` goes: a line a message, appended, as runc writes them, so
/// that containerd and podman find the reason there. Only programs log; libraries throw.
class Log {
 public:
  /// Nothing is written with an empty `path`. Throws Error if the file can't be opened.
  Log(std::string path, LogFormat format);

  void write(LogLevel level, std::string_view message) const;

 private:
  std::string path_;
  LogFormat format_;
};

}  // namespace netlend
