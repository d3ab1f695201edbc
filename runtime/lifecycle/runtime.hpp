#pragma once

#include <functional>
#include <string>

#include "lifecycle/container_store.hpp"
#include "net/lending.hpp"

namespace netlend {

/// Told what the user should know and is no error: the program prints it.
using NoteCallback = std::function<void(const std::string& note)>;

/// What every step of a container's life works with.
struct Runtime {
  LendingContext lending;
  const ContainerStore& containers;
  NoteCallback note;
};

}  // namespace netlend
