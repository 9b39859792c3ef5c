#include "server/wait_commands.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace hearth::server {
namespace {

using engine::Context;
using log::GateRequirement;

constexpr std::string_view kNoFile =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

// More replicas than there can be: the wait ends at its deadline.
uint32_t ReplicaCount(int64_t number) {
  return static_cast<uint32_t>(std::clamp<int64_t>(number, 0, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

std::optional<int64_t> WaitCommands::Deadline(Context& ctx, size_t i) {
  const auto timeout_ms = ctx.Integer(i, "ERR timeout is not an integer or out of range");
  if (!timeout_ms) return std::nullopt;
  if (*timeout_ms < 0) {
    ctx.Error("ERR timeout is negative");
    return std::nullopt;
  }
  if (*timeout_ms == 0) return 0;
  if (*timeout_ms > std::numeric_limits<int64_t>::max() - ctx.now_ms()) {
    ctx.Error("ERR timeout is out of range");
    return std::nullopt;
  }
  return ctx.now_ms() + *timeout_ms;
}

bool WaitCommands::IsSyncedHere(uint64_t offset) const {
  const persistence::AppendOnly& file = persistence_.append_only();
  return file.is_on() && file.synced_offset() >= offset;
}

void WaitCommands::Wait(Context& ctx) {
  if (persistence_.is_replica()) {
    return ctx.Error(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica "
        "is "
        "configured to be writable (which is not the default) writes to replicas are just local and are not "
        "propagated.");
  }
  const auto replicas = ctx.Integer(1);
  if (!replicas) return;
  const auto deadline_ms = Deadline(ctx, 2);
  if (!deadline_ms) return;
  const uint64_t offset = ctx.client().last_write_offset;
  WaitAtGate(ctx, offset, {.replicas_received = ReplicaCount(*replicas)}, *deadline_ms,
             [this, offset](resp::Writer& reply) {
               reply.Integer(static_cast<int64_t>(persistence_.gate().CountReceived(offset)));
             });
}

void WaitCommands::WaitAof(Context& ctx) {
  const auto local = ctx.IntegerIn(1, 0, 1);
  if (!local) return;
  const auto replicas = ctx.IntegerIn(2, 0, std::numeric_limits<int64_t>::max());
  if (!replicas) return;
  const auto deadline_ms = Deadline(ctx, 3);
  if (!deadline_ms) return;
  if (persistence_.is_replica()) {
    return ctx.Error(
        "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are "
        "just local "
        "and are not propagated.");
  }
  if (*local == 1 && !persistence_.append_only().is_on()) {
    return ctx.Error(kNoFile);
  }
  const uint64_t offset = ctx.client().last_write_offset;
  WaitAtGate(ctx, offset,
             {.local = *local == 1 ? GateRequirement::Local::kSynced : GateRequirement::Local::kNone,
              .replicas_synced = ReplicaCount(*replicas)},
             *deadline_ms, [this, offset](resp::Writer& reply) {
               reply.Array(2);
               reply.Integer(IsSyncedHere(offset) ? 1 : 0);
               reply.Integer(static_cast<int64_t>(persistence_.gate().CountSynced(offset)));
             });
}

void WaitCommands::WaitAtGate(Context& ctx, uint64_t offset, const GateRequirement& requirement,
                              int64_t deadline_ms, Answer answer) {
  log::Gate& gate = persistence_.gate();
  if (gate.IsReached(offset, requirement) || !ctx.may_block()) return answer(ctx.reply());
  // The engine keeps the deadline, which CLIENT UNBLOCK ends too; the gate is told when the waiting is over.
  const uint64_t client_id = ctx.client().id;
  const bool needs_file = requirement.local != GateRequirement::Local::kNone;
  const log::Gate::WaitId wait =
      gate.Wait(offset, requirement, 0, [this, client_id, needs_file](log::Gate::Outcome) {
        engine::Client* client = engine_.clients().Find(client_id);
        if (client == nullptr) return;
        engine_.Unblock(*client,
                        needs_file && !persistence_.append_only().is_on() ? kNoFile : std::string_view());
      });
  engine::BlockRequest request;
  request.deadline_ms = deadline_ms;
  request.answer = std::move(answer);
  request.on_end = [&gate, wait] { gate.Cancel(wait); };
  ctx.Block(std::move(request));
  if (requirement.replicas_received + requirement.replicas_synced != 0) persistence_.WantAcks();
}

void WaitCommands::Register(engine::CommandTable& table) {
  table.Bind("wait", engine::MakeHandler<&WaitCommands::Wait>(*this));
  table.Bind("waitaof", engine::MakeHandler<&WaitCommands::WaitAof>(*this));
}

}  // namespace hearth::server
