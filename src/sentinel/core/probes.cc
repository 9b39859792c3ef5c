// Health probes: a server of ours says, from a thread beside its engine, for how long the engine has been at
// work without coming round. So one that runs a long command is told from one that is stopped or gone: its
// silence does not count as long as the answers come, up to busy-is-alive-max-ms of work. That bound is what
// makes a loop without end, or an engine that waits for ever, count as down in the end.
//
// The connection stands before it is needed, since a busy server takes no new one. Limitation: a Sentinel
// that starts, or loses the connection, while the server is busy goes by its silence alone.
#include <algorithm>

#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

constexpr int64_t kProbesInDownAfter = 5;
constexpr int64_t kLeastProbeMs = 20;
// What claims to be longer is no answer of a server of ours.
constexpr int64_t kMaxBusyMs = int64_t{365} * 24 * 3600 * 1000;

}  // namespace

// Until when the server counts as alive, by its answers alone; -1 if they never said that it was at work. Its
// thread must have been heard within down-after, so that a stopped process is found as soon as ever; and one
// whose work is done has as long to answer what came meanwhile.
int64_t Machine::BusyUntil(const Primary& primary, const Instance& instance) {
  const Probe& probe = instance.link->probe;
  const int64_t max_ms = primary.settings.busy_is_alive_max_ms;
  if (max_ms <= 0 || probe.busy_answered_ms < 0) return -1;
  return probe.busy_answered_ms + std::min(instance.down_after_ms, max_ms - probe.busy_ms);
}

void Machine::KeepProbed(Turn& turn, Primary& primary, Instance& instance) {
  const Link& link = *instance.link;
  Probe& probe = instance.link->probe;
  if (primary.settings.busy_is_alive_max_ms <= 0 || !instance.answers_probes) {
    CloseProbe(turn, probe);
    return;
  }
  if (probe.link == 0) {
    if (link.commands_open && turn.Due(probe.retry_ms)) OpenProbe(turn, primary, instance);
    return;
  }
  // While PING is answered, a probe that is not says that its connection is ill.
  const int64_t patience_ms = std::max(instance.down_after_ms, timing_.ping_period);
  const int64_t waits_since_ms = probe.is_open ? probe.sent_ms : probe.since_ms;
  if (waits_since_ms >= 0) {
    if (link.ping_sent_ms >= 0 || !turn.Due(waits_since_ms + patience_ms)) return;
    CloseProbe(turn, probe);
    probe.retry_ms = turn.ms + timing_.ping_period;
    probe.trouble = "no answer to a probe";
    turn.is_changed = true;
    return;
  }
  int64_t at_ms = probe.last_sent_ms < 0 ? turn.ms : probe.last_sent_ms + timing_.ping_period;
  if (link.ping_sent_ms >= 0) {
    const int64_t period_ms = std::max(instance.down_after_ms / kProbesInDownAfter, kLeastProbeMs);
    at_ms = std::min(at_ms, std::max(probe.last_sent_ms + period_ms, link.ping_sent_ms + period_ms / 2));
  }
  if (!turn.Due(at_ms)) return;
  probe.sent_ms = turn.ms;
  probe.last_sent_ms = turn.ms;
  turn.effects.push_back(effect::Send{probe.link, {"PING"}});
}

void Machine::OpenProbe(Turn& turn, const Primary& primary, const Instance& instance) {
  Probe& probe = instance.link->probe;
  const LinkId id = ++last_link_;
  probe.link = id;
  probe.since_ms = turn.ms;
  wires_[id] = {.link = instance.link,
                .is_subscription = false,
                .kind = instance.kind,
                .primary = primary.instance.name,
                .instance = instance.name,
                .is_probe = true};
  turn.effects.push_back(
      effect::OpenLink{id, instance.address, LinkSetup(primary, instance, "probe"), false});
}

void Machine::CloseProbe(Turn& turn, Probe& probe) {
  if (probe.link == 0) return;
  turn.effects.push_back(effect::CloseLink{probe.link});
  wires_.erase(probe.link);
  probe = {.trouble = std::move(probe.trouble)};
}

// What was last heard still holds for a while: the connection may have ended without the process.
void Machine::LoseProbe(Turn& turn, Probe& probe, const input::LinkEnded& input) {
  const bool is_rejected = input.why == LinkEnd::kRejected;
  probe = {.retry_ms = turn.ms + (is_rejected ? timing_.info_period : timing_.ping_period),
           .answered_ms = probe.answered_ms,
           .answer_ms = probe.answer_ms,
           .busy_answered_ms = probe.busy_answered_ms,
           .busy_ms = probe.busy_ms,
           .trouble = input.text};
}

void Machine::TakeProbe(Turn& turn, Probe& probe, const Reply& reply) {
  turn.is_changed = true;
  if (reply.kind != Reply::Kind::kInteger || reply.integer < 0 || reply.integer > kMaxBusyMs) {
    CloseProbe(turn, probe);
    probe.retry_ms = turn.ms + timing_.info_period;
    probe.trouble = "a probe was answered with something else than a time";
    return;
  }
  probe.sent_ms = -1;
  probe.answered_ms = turn.ms;
  probe.answer_ms = reply.integer;
  if (reply.integer == 0) return;
  probe.busy_answered_ms = turn.ms;
  probe.busy_ms = reply.integer;
}

std::string Machine::ExplainProbes(const Primary& primary, int64_t now_ms) {
  const Instance& instance = primary.instance;
  const Probe& probe = instance.link->probe;
  if (!instance.answers_probes) return "health probes: the primary offers none, so that its silence counts";
  if (!probe.is_open) {
    return "health probes: not connected" + (probe.trouble.empty() ? "" : ", " + probe.trouble);
  }
  if (probe.answered_ms < 0) return "health probes: no answer yet";
  std::string text = "health probes: the primary answered " + std::to_string(now_ms - probe.answered_ms);
  text += " ms ago and had been busy for " + std::to_string(probe.answer_ms) + " ms";
  return text + ", which is well up to " + std::to_string(primary.settings.busy_is_alive_max_ms) + " ms";
}

}  // namespace hearth::sentinel
