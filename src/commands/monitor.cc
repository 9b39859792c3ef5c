// MONITOR: the caller sees every command from now on.

#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::Context;

void Monitor(Context& ctx) {
  if (ctx.engine().is_in_unit()) return ctx.Error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  // One that gets a stream already is not answered: the answer would stand in the middle of it.
  if (ctx.client().state & (Client::kMonitoring | Client::kReplica)) return;
  ctx.engine().StartMonitoring(ctx.client());
  ctx.reply().Ok();
}

}  // namespace

void RegisterMonitor(engine::CommandTable& table) { table.Bind("monitor", engine::MakeHandler<&Monitor>()); }

}  // namespace hearth::commands
