#include "sentinel/sentinel_commands.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/text.h"
#include "commands/help.h"
#include "sentinel/instance_replies.h"

namespace hearth::sentinel {
namespace {

using engine::Context;

std::vector<std::string> WordsFrom(const Context& ctx, size_t first) {
  std::vector<std::string> words;
  for (size_t i = first; i < ctx.size(); ++i) words.emplace_back(ctx[i]);
  return words;
}

// The machine's errors are whole replies; where one has no code it is given the general one.
void ReplyError(Context& ctx, const std::string& text) {
  const std::string_view code = std::string_view(text).substr(0, text.find(' '));
  const bool has_code =
      !code.empty() && code.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
  ctx.Error(has_code ? text : "ERR " + text);
}

void ReplyStatus(Context& ctx, const Status& status) {
  status ? ctx.reply().Ok() : ReplyError(ctx, status.error().message);
}

}  // namespace

const Primary* SentinelCommands::FindOrReply(Context& ctx) const {
  const auto& primaries = carrier_.machine().primaries();
  const auto found = primaries.find(ctx[2]);
  if (found != primaries.end()) return &found->second;
  ctx.Error("ERR No such master with that name");
  return nullptr;
}

// ---- what is watched, and how

void SentinelCommands::Monitor(Context& ctx) {
  const auto quorum = ctx.IntegerIn(5, INT32_MIN, INT32_MAX, "ERR Invalid quorum");
  if (!quorum) return;
  const auto port = ctx.IntegerIn(4, INT32_MIN, INT32_MAX, "ERR Invalid port");
  if (!port) return;
  const Address address{std::string(ctx[3]), static_cast<int>(*port)};
  ReplyStatus(ctx, carrier_.Do([&](Machine& machine, Now now, Effects& effects) {
    return machine.Monitor(now, std::string(ctx[2]), address, static_cast<int>(*quorum), effects);
  }));
}

void SentinelCommands::Remove(Context& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  ReplyStatus(ctx, carrier_.Do([&](Machine& machine, Now now, Effects& effects) {
    return machine.Remove(now, ctx[2], effects);
  }));
}

void SentinelCommands::Set(Context& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  const std::vector<std::string> words = WordsFrom(ctx, 3);
  ReplyStatus(ctx, carrier_.Do([&](Machine& machine, Now now, Effects& effects) {
    return machine.Set(now, ctx[2], words, effects);
  }));
}

void SentinelCommands::Reset(Context& ctx) {
  ctx.reply().Integer(carrier_.Do(
      [&](Machine& machine, Now now, Effects& effects) { return machine.Reset(now, ctx[2], effects); }));
}

void SentinelCommands::Config(Context& ctx) {
  if (ctx.Is(2, "set") && ctx.size() > 4) return ConfigSet(ctx);
  if (ctx.Is(2, "get")) return ConfigGet(ctx);
  if (ctx.Is(2, "set")) return ctx.WrongArgumentCount();
  ctx.Error("ERR Only SENTINEL CONFIG GET <param> / SET <param> <value> are supported.");
}

// The level of the log is no matter of the machine's.
void SentinelCommands::ConfigSet(Context& ctx) {
  std::vector<std::string> words;
  std::optional<std::string> log_level;
  for (size_t i = 3; i < ctx.size(); i += 2) {
    if (!ctx.Is(i, "loglevel") || i + 1 == ctx.size()) {
      words.emplace_back(ctx[i]);
      if (i + 1 < ctx.size()) words.emplace_back(ctx[i + 1]);
      continue;
    }
    if (log_level) return ctx.Error("ERR Duplicate argument 'loglevel' to SENTINEL CONFIG SET");
    log_level = ctx[i + 1];
    if (!ParseLogLevel(*log_level)) {
      return ctx.Error("ERR Invalid value '" + *log_level + "' to SENTINEL CONFIG SET 'loglevel'");
    }
  }
  if (!words.empty()) {
    const Status status = carrier_.Do(
        [&](Machine& machine, Now now, Effects& effects) { return machine.SetGlobals(now, words, effects); });
    if (!status) return ReplyError(ctx, status.error().message);
  }
  if (log_level) {
    const std::array pairs = {std::pair<std::string, std::string>("loglevel", *log_level)};
    if (Status status = configuration_.Set(pairs, {}); !status) return ctx.Error(status.error().message);
    if (!carrier_.Save()) return ctx.Error("ERR Failed to save config file. Check server logs.");
  }
  ctx.reply().Ok();
}

void SentinelCommands::ConfigGet(Context& ctx) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto add = [&pairs](std::pair<std::string, std::string> pair) {
    const bool is_there =
        std::any_of(pairs.begin(), pairs.end(), [&](const auto& other) { return other.first == pair.first; });
    if (!is_there) pairs.push_back(std::move(pair));
  };
  for (size_t i = 3; i < ctx.size(); ++i) {
    for (auto& pair : carrier_.machine().GetGlobals(ctx[i])) add(std::move(pair));
    if (!GlobMatch(ctx[i], "loglevel", true)) continue;
    const std::array<std::string, 1> names = {"loglevel"};
    for (auto& pair : configuration_.Get(names)) add(std::move(pair));
  }
  ctx.reply().Map(pairs.size());
  for (const auto& [name, value] : pairs) {
    ctx.reply().Bulk(name);
    ctx.reply().Bulk(value);
  }
}

void SentinelCommands::Debug(Context& ctx) {
  if (ctx.size() > 2) {
    const std::vector<std::string> words = WordsFrom(ctx, 2);
    return ReplyStatus(
        ctx, carrier_.Do([&](Machine& machine, Now, Effects&) { return machine.SetTiming(words); }));
  }
  const auto timings = carrier_.machine().GetTiming();
  ctx.reply().Map(timings.size());
  for (const auto& [name, value] : timings) {
    ctx.reply().Bulk(name);
    ctx.reply().Bulk(value);
  }
}

void SentinelCommands::SimulateFailure(Context& ctx) {
  constexpr std::string_view kElection = "crash-after-election";
  constexpr std::string_view kPromotion = "crash-after-promotion";
  bool after_election = false;
  bool after_promotion = false;
  for (size_t i = 2; i < ctx.size(); ++i) {
    if (ctx.Is(i, kElection)) {
      after_election = true;
    } else if (ctx.Is(i, kPromotion)) {
      after_promotion = true;
    } else if (ctx.Is(i, "help")) {
      ctx.reply().Array(2);
      ctx.reply().Bulk(kElection);
      ctx.reply().Bulk(kPromotion);
      return;
    } else {
      return ctx.Error("ERR Unknown failure simulation specified");
    }
  }
  crashes_after_election_ = after_election;
  crashes_after_promotion_ = after_promotion;
  ReplyStatus(ctx, carrier_.Do([&](Machine& machine, Now, Effects&) {
    machine.SimulateFailure(after_election, after_promotion);
    return Status();
  }));
}

void SentinelCommands::FlushConfig(Context& ctx) {
  if (!carrier_.Save()) return ctx.Error("ERR Failed to save config file. Check server logs.");
  ctx.reply().Ok();
}

// ---- what other Sentinels ask and say

void SentinelCommands::IsPrimaryDown(Context& ctx) {
  const auto port = ctx.IntegerIn(3, INT32_MIN, INT32_MAX);
  if (!port) return;
  const auto epoch = ctx.Integer(4);
  if (!epoch) return;
  Vote vote = carrier_.Do([&](Machine& machine, Now now, Effects& effects) {
    return machine.AnswerVote(now, {std::string(ctx[2]), static_cast<int>(*port)},
                              static_cast<uint64_t>(*epoch), ctx[5], effects);
  });
  const bool counts = carrier_.is_saved() || carrier_.Save();
  if (!counts) vote = {.is_down = vote.is_down};
  ctx.reply().Array(3);
  ctx.reply().Integer(vote.is_down ? 1 : 0);
  ctx.reply().Bulk(vote.leader);
  ctx.reply().Integer(static_cast<int64_t>(vote.leader_epoch));
}

void SentinelCommands::Publish(Context& ctx) {
  if (ctx[1] != kHelloChannel) {
    return ctx.Error("ERR Only HELLO messages are accepted by Sentinel instances.");
  }
  carrier_.Feed(input::Hello{std::string(ctx[2])});
  ctx.reply().Integer(1);
}

// ---- failing over

void SentinelCommands::Failover(Context& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  ReplyStatus(ctx, carrier_.Do([&](Machine& machine, Now now, Effects& effects) {
    return machine.Failover(now, ctx[2], effects);
  }));
}

void SentinelCommands::ForceFailover(Context& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  ReplyStatus(ctx, carrier_.Do([&](Machine& machine, Now now, Effects& effects) {
    return machine.Failover(now, ctx[2], effects, true);
  }));
}

void SentinelCommands::CheckQuorum(Context& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  const Result<std::string> answer = carrier_.machine().CheckQuorum(ctx[2]);
  if (!answer) return ReplyError(ctx, answer.error().message);
  ctx.reply().Simple(*answer);
}

void SentinelCommands::Explain(Context& ctx) {
  if (FindOrReply(ctx) == nullptr) return;
  const auto lines = carrier_.machine().Explain(carrier_.NowThere(), ctx[2]);
  if (!lines) return ReplyError(ctx, lines.error().message);
  ctx.reply().Array(lines->size());
  for (const std::string& line : *lines) ctx.reply().Bulk(line);
}

void SentinelCommands::History(Context& ctx) {
  if (const Primary* primary = FindOrReply(ctx)) WriteHistory(ctx.reply(), *primary);
}

// ---- what is known

void SentinelCommands::Primaries(Context& ctx) {
  const auto& primaries = carrier_.machine().primaries();
  ctx.reply().Array(primaries.size());
  for (const auto& [name, primary] : primaries) WritePrimary(ctx.reply(), primary, NowMs());
}

void SentinelCommands::OnePrimary(Context& ctx) {
  if (const Primary* primary = FindOrReply(ctx)) WritePrimary(ctx.reply(), *primary, NowMs());
}

void SentinelCommands::Replicas(Context& ctx) {
  if (const Primary* primary = FindOrReply(ctx)) WriteReplicas(ctx.reply(), *primary, NowMs());
}

void SentinelCommands::Sentinels(Context& ctx) {
  if (const Primary* primary = FindOrReply(ctx)) WriteSentinels(ctx.reply(), *primary, NowMs());
}

void SentinelCommands::PrimaryAddress(Context& ctx) {
  const std::optional<Address> address = carrier_.machine().CurrentAddress(ctx[2]);
  if (!address) return ctx.reply().NullArray();
  ctx.reply().Array(2);
  ctx.reply().Bulk(address->host);
  ctx.reply().BulkInteger(address->port);
}

void SentinelCommands::InfoCache(Context& ctx) {
  std::vector<const Primary*> wanted;
  for (const auto& [name, primary] : carrier_.machine().primaries()) {
    for (size_t i = 2; i < ctx.size(); ++i) {
      if (ctx[i] != name) continue;
      wanted.push_back(&primary);
      break;
    }
  }
  ctx.reply().Array(wanted.size() * 2);
  for (const Primary* primary : wanted) {
    ctx.reply().Bulk(primary->instance.name);
    WriteInfoCache(ctx.reply(), *primary, NowMs());
  }
}

void SentinelCommands::PendingScripts(Context& ctx) {
  WritePendingScripts(ctx.reply(), carrier_.machine(), carrier_.scripts(), NowMs());
}

void SentinelCommands::MyId(Context& ctx) { ctx.reply().Bulk(carrier_.machine().my_id()); }

void SentinelCommands::Role(Context& ctx) {
  const auto& primaries = carrier_.machine().primaries();
  ctx.reply().Array(2);
  ctx.reply().Bulk("sentinel");
  ctx.reply().Array(primaries.size());
  for (const auto& [name, primary] : primaries) ctx.reply().Bulk(name);
}

std::vector<std::pair<std::string, std::string>> SentinelCommands::InfoFields() const {
  const Machine& machine = carrier_.machine();
  const int64_t tilt_seconds = machine.is_in_tilt() ? (NowMs() - machine.tilt_since_ms()) / 1000 : -1;
  std::vector<std::pair<std::string, std::string>> fields = {
      {"sentinel_masters", std::to_string(machine.primaries().size())},
      {"sentinel_tilt", machine.is_in_tilt() ? "1" : "0"},
      {"sentinel_tilt_since_seconds", std::to_string(tilt_seconds)},
      {"sentinel_running_scripts", std::to_string(machine.running_script_count())},
      {"sentinel_scripts_queue_length", std::to_string(machine.PendingScripts().size())},
      {"sentinel_simulate_failure_flags",
       std::to_string((crashes_after_election_ ? 1 : 0) + (crashes_after_promotion_ ? 2 : 0))},
  };
  size_t number = 0;
  for (const auto& [name, primary] : machine.primaries()) {
    const std::string_view status = primary.is_objectively_down             ? "odown"
                                    : primary.instance.is_subjectively_down ? "sdown"
                                                                            : "ok";
    const Address address = machine.CurrentAddress(name).value_or(primary.instance.address);
    fields.emplace_back(
        fmt::format("master{}", number++),
        fmt::format("name={},status={},address={}:{},slaves={},sentinels={}", name, status, address.host,
                    address.port, primary.replicas.size(), primary.sentinels.size() + 1));
  }
  return fields;
}

void SentinelCommands::Register(engine::CommandTable& table) {
  using engine::MakeHandler;
  using Self = SentinelCommands;
  table.Bind("sentinel|monitor", MakeHandler<&Self::Monitor>(*this));
  table.Bind("sentinel|remove", MakeHandler<&Self::Remove>(*this));
  table.Bind("sentinel|set", MakeHandler<&Self::Set>(*this));
  table.Bind("sentinel|reset", MakeHandler<&Self::Reset>(*this));
  table.Bind("sentinel|config", MakeHandler<&Self::Config>(*this));
  table.Bind("sentinel|debug", MakeHandler<&Self::Debug>(*this));
  table.Bind("sentinel|simulate-failure", MakeHandler<&Self::SimulateFailure>(*this));
  table.Bind("sentinel|flushconfig", MakeHandler<&Self::FlushConfig>(*this));
  table.Bind("sentinel|is-master-down-by-addr", MakeHandler<&Self::IsPrimaryDown>(*this));
  table.Bind("sentinel|is-primary-down-by-addr", MakeHandler<&Self::IsPrimaryDown>(*this));
  table.Bind("sentinel|failover", MakeHandler<&Self::Failover>(*this));
  table.Bind("sentinel|force-failover", MakeHandler<&Self::ForceFailover>(*this));
  table.Bind("sentinel|ckquorum", MakeHandler<&Self::CheckQuorum>(*this));
  table.Bind("sentinel|explain", MakeHandler<&Self::Explain>(*this));
  table.Bind("sentinel|history", MakeHandler<&Self::History>(*this));
  table.Bind("sentinel|masters", MakeHandler<&Self::Primaries>(*this));
  table.Bind("sentinel|primaries", MakeHandler<&Self::Primaries>(*this));
  table.Bind("sentinel|master", MakeHandler<&Self::OnePrimary>(*this));
  table.Bind("sentinel|primary", MakeHandler<&Self::OnePrimary>(*this));
  table.Bind("sentinel|replicas", MakeHandler<&Self::Replicas>(*this));
  table.Bind("sentinel|slaves", MakeHandler<&Self::Replicas>(*this));
  table.Bind("sentinel|sentinels", MakeHandler<&Self::Sentinels>(*this));
  table.Bind("sentinel|get-master-addr-by-name", MakeHandler<&Self::PrimaryAddress>(*this));
  table.Bind("sentinel|get-primary-addr-by-name", MakeHandler<&Self::PrimaryAddress>(*this));
  table.Bind("sentinel|info-cache", MakeHandler<&Self::InfoCache>(*this));
  table.Bind("sentinel|pending-scripts", MakeHandler<&Self::PendingScripts>(*this));
  table.Bind("sentinel|myid", MakeHandler<&Self::MyId>(*this));
  table.Bind("sentinel|help", MakeHandler<&commands::Help>());
  table.Rebind("role", MakeHandler<&Self::Role>(*this));
  table.Rebind("publish", MakeHandler<&Self::Publish>(*this));
}

}  // namespace hearth::sentinel
