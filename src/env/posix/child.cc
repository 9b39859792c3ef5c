#include "env/child.h"

#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hearth::env {
namespace {

// What the new program starts with: signals as by default (we ignore some), and a process group of its own,
// so that Ctrl-C at our terminal is ours alone.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigfillset(&all);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<std::unique_ptr<Child>> Child::Start(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const Attributes attributes;
  pid_t pid = 0;
  // lint: allow fork because a script is another program, and nothing of ours is copied for it
  const int code = posix_spawn(&pid, argv[0], nullptr, attributes.get(), argv.data(), environ);
  if (code != 0) return Fail("cannot run " + words[0] + ": " + std::strerror(code), code);
  // The header of Debian 12's libc for this call is not one for C++.
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) {
    const int reason = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Fail("cannot watch " + words[0] + ": " + std::strerror(reason), reason);
  }
  return std::make_unique<Child>(pid, fd);
}

Child::~Child() { close(fd_); }

std::optional<ChildEnd> Child::TakeEnd() {
  int status = 0;
  if (has_ended_ || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  has_ended_ = true;
  ChildEnd end;
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else {
    end.exit_code = WEXITSTATUS(status);
  }
  return end;
}

void Child::Kill() {
  if (!has_ended_) kill(pid_, SIGKILL);
}

}  // namespace hearth::env
