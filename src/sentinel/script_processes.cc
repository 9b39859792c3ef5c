#include "sentinel/script_processes.h"

#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace hearth::sentinel {
namespace {

// A script that cannot be run will not be tried again; one for which the system has no room now will.
input::ScriptEnded EndWithoutStart(uint64_t script, int code) {
  constexpr int kNotRunnable = 2;
  constexpr int kNoRoom = 99;  // in the place of a signal
  const bool is_short_of_room = code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
  return {script, is_short_of_room ? 0 : kNotRunnable, is_short_of_room ? kNoRoom : 0};
}

}  // namespace

class ScriptProcesses::Running final : public net::EventHandler {
 public:
  Running(ScriptProcesses& scripts, uint64_t script, std::unique_ptr<env::Child> child)
      : scripts_(scripts), script_(script), child_(std::move(child)) {}
  ~Running() override {
    if (is_watched_) scripts_.loop_.Unwatch(child_->fd(), *this);
  }

  Status Watch() {
    HEARTH_TRY(scripts_.loop_.Watch(child_->fd(), env::kReadable, *this));
    is_watched_ = true;
    return {};
  }
  void OnEvents(uint32_t) override { scripts_.OnEnd(script_); }
  env::Child& child() { return *child_; }

 private:
  ScriptProcesses& scripts_;
  const uint64_t script_;
  const std::unique_ptr<env::Child> child_;
  bool is_watched_ = false;
};

ScriptProcesses::ScriptProcesses(net::EventLoop& loop, Logger& log, OnEnded on_ended)
    : loop_(loop), log_(log), on_ended_(std::move(on_ended)) {}

ScriptProcesses::~ScriptProcesses() = default;

void ScriptProcesses::ReportLater(input::ScriptEnded end) {
  loop_.Post([this, alive = std::weak_ptr(alive_), end] {
    if (!alive.expired()) on_ended_(end);
  });
}

void ScriptProcesses::Run(uint64_t script, const std::vector<std::string>& words) {
  HEARTH_ASSERT(!words.empty() && !running_.contains(script));
  auto child = env::Child::Start(words);
  if (!child) {
    log_.Warning("{}", child.error().message);
    ReportLater(EndWithoutStart(script, child.error().code));
    return;
  }
  log_.Debug("+script-child {}", (*child)->pid());
  auto running = std::make_unique<Running>(*this, script, std::move(*child));
  if (const Status watched = running->Watch(); !watched) {
    running->child().Kill();
    ReportLater(EndWithoutStart(script, watched.error().code));
    return;
  }
  running_.emplace(script, std::move(running));
}

void ScriptProcesses::Kill(uint64_t script) {
  if (const auto found = running_.find(script); found != running_.end()) found->second->child().Kill();
}

int ScriptProcesses::PidOf(uint64_t script) const {
  const auto found = running_.find(script);
  return found == running_.end() ? 0 : found->second->child().pid();
}

void ScriptProcesses::OnEnd(uint64_t script) {
  const auto found = running_.find(script);
  if (found == running_.end()) return;
  env::Child& child = found->second->child();
  const auto end = child.TakeEnd();
  if (!end) return;
  log_.Debug("-script-child {} {} {}", child.pid(), end->exit_code, end->signal);
  running_.erase(found);
  on_ended_({script, end->exit_code, end->signal});
}

}  // namespace hearth::sentinel
