#include "sim/stage.h"

#include "base/assert.h"

namespace hearth::sim {
namespace {

constexpr int64_t kSomeWallTimeUs = 1'700'000'000 * kSecond;
// Clocks of one pace in a hundred more or less are far worse than real ones.
constexpr double kPaceSpread = 0.02;

}  // namespace

Stage::Stage(uint64_t seed, int host_count, Trace& trace) : trace_(trace), random_(seed) {
  trace_.Attach(schedule_);
  std::vector<Host*> hosts;
  for (HostId id = 0; id < host_count; ++id) {
    const double pace = 1.0 + kPaceSpread * (random_.Unit() - 0.5);
    hosts_.push_back(std::make_unique<Host>(schedule_, id, pace, kSomeWallTimeUs));
    hosts.push_back(hosts_.back().get());
  }
  network_ = std::make_unique<Network>(schedule_, random_, std::move(hosts),
                                       [this](HostId id) { return ProcessOf(id); });
}

void Stage::Inject(std::span<const Fault> faults) {
  for (const Fault& fault : faults) {
    schedule_.At(fault.at_us, [this, fault] { Begin(fault); });
  }
}

void Stage::PlayUntil(int64_t end_us) {
  while (!trace_.has_failed() && schedule_.RunOne(end_us)) {
  }
}

void Stage::Begin(const Fault& fault) {
  trace_.Add("-- {}", Describe(fault));
  Host& target = host(fault.a);
  switch (fault.kind) {
    case Fault::Kind::kPartition:
    case Fault::Kind::kIsolation:
    case Fault::Kind::kOneWay:
      Cut(fault, true);
      schedule_.After(fault.for_us, [this, fault] { Cut(fault, false); });
      return;
    case Fault::Kind::kBreak:
      return network_->Break(fault.a, fault.b);
    case Fault::Kind::kSlow:
      network_->Slow(fault.a, fault.b, fault.value);
      schedule_.After(fault.for_us, [this, fault] { network_->Slow(fault.a, fault.b, -fault.value); });
      return;
    case Fault::Kind::kStop:
      target.Stop();
      schedule_.After(fault.for_us, [&target] { target.Continue(); });
      return;
    case Fault::Kind::kKill:
      return Kill(fault.a, Host::State::kDead, fault.for_us);
    case Fault::Kind::kPowerOff:
      return Kill(fault.a, Host::State::kOff, fault.for_us);
    case Fault::Kind::kWallJump:
      return target.JumpWallClock(fault.value);
    case Fault::Kind::kOperator:
      return OnOperator(fault);
  }
}

void Stage::Kill(HostId id, Host::State how, int64_t for_us) {
  Host& target = host(id);
  if (!target.has_process()) return;
  OnDeath(id);
  target.Die(how);
  how == Host::State::kDead ? network_->OnDeath(id) : network_->OnPowerOff(id);
  schedule_.After(for_us, [this, &target, id] {
    const bool was_off = target.state() == Host::State::kOff;
    target.Start();
    if (was_off) network_->OnPowerOn(id);
    trace_.Add("-- host {} starts", id);
    OnStart(id);
  });
}

void Stage::Cut(const Fault& fault, bool begins) {
  if (!begins) trace_.Add("-- healed: {}", Describe(fault));
  if (fault.kind == Fault::Kind::kOneWay) return SetBlock(fault.a, fault.b, begins);
  const auto is_inside = [&](HostId id) { return (fault.value >> id & 1) != 0; };
  for (HostId from = 0; from < host_count(); ++from) {
    for (HostId to = 0; to < host_count(); ++to) {
      if (is_inside(from) == is_inside(to)) continue;
      const bool concerns = fault.kind == Fault::Kind::kPartition || is_inside(fault.a == 0 ? to : from);
      if (concerns) SetBlock(from, to, begins);
    }
  }
}

void Stage::SetBlock(HostId from, HostId to, bool blocks) {
  blocks ? network_->Block(from, to) : network_->Unblock(from, to);
}

}  // namespace hearth::sim
