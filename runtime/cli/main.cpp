#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/verbs.hpp"
#include "container/exit_codes.hpp"

namespace netlend::cli {

namespace {
// Else the first file that is opened would be standard output, and what is printed would go into
// it.
void open_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

int execute_verb(const Console& console, const CommandLine& line,
                 const std::vector<std::string>& words) {
  return std::visit(
      [&](const auto& arguments) {
        if constexpr (requires { arguments.text; }) {
          print(arguments.text);
          return kExitSuccess;
        } else {
          if constexpr (requires { arguments.bundle.preserved_fds; }) {
            prepare_to_contain(arguments.bundle, words);
          }
          return execute(Session{console, line.globals}, arguments);
        }
      },
      line.verb);
}

int run_program(const std::vector<std::string>& words) {
  const auto exit_code = [&](ErrorKind kind) {
    if (is_run(words)) return kExitNetlendFailed;
    return kind == ErrorKind::usage ? kExitUsage : kExitFailed;
  };
  const auto attempt = [&](const Console& console, const auto& work) {
    try {
      return work();
    } catch (const Error& error) {
      console.error(error.what());
      return exit_code(error.kind());
    } catch (const std::exception& error) {
      console.error(text_of(error));
      return exit_code(ErrorKind::failed);
    }
  };
  return attempt(Console{{}}, [&] {
    const CommandLine line = parse_command_line(words);
    const Console console{line.globals};
    return attempt(console, [&] { return execute_verb(console, line, words); });
  });
}
}  // namespace

}  // namespace netlend::cli

int main(int argc, char* argv[]) {
  netlend::cli::open_standard_descriptors();
  return netlend::cli::run_program(argc > 1 ? std::vector<std::string>(argv + 1, argv + argc)
                                            : std::vector<std::string>{});
}
