// A program that runs beside this process: Sentinel's scripts. It has our environment and standard streams,
// and a process group of its own. Any one thread; the object belongs to whoever started it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::env {

struct ChildEnd {
  int exit_code = 0;
  int signal = 0;  // that ended it, or 0
};

class Child {
 public:
  // `words`: the program's path, then its arguments. A program that cannot be run is an error, not an end.
  static Result<std::unique_ptr<Child>> Start(const std::vector<std::string>& words);
  // For Start.
  Child(int pid, int fd) : pid_(pid), fd_(fd) {}
  // A child that still runs goes on alone.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  // Becomes readable when the child has ended: for an event loop to watch.
  int fd() const { return fd_; }
  // How it ended; nullopt while it runs. Asked for once.
  std::optional<ChildEnd> TakeEnd();
  void Kill();

 private:
  int pid_;
  int fd_;
  bool has_ended_ = false;
};

}  // namespace hearth::env
