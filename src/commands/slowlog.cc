// SLOWLOG: what took longer than slowlog-log-slower-than.

#include "commands/help.h"
#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Context;

void Get(Context& ctx) {
  if (ctx.size() > 3) return SubcommandSyntaxError(ctx);
  const auto& entries = ctx.engine().slowlog().entries();
  size_t count = 10;
  if (ctx.size() == 3) {
    const auto wanted = ctx.IntegerIn(2, -1, INT64_MAX, "ERR count should be greater than or equal to -1");
    if (!wanted) return;
    count = *wanted == -1 ? entries.size() : static_cast<size_t>(*wanted);
  }
  count = std::min(count, entries.size());
  resp::Writer& reply = ctx.reply();
  reply.Array(count);
  for (size_t i = 0; i < count; ++i) {
    const engine::SlowCommand& slow = entries[i];
    reply.Array(6);
    reply.Integer(static_cast<int64_t>(slow.id));
    reply.Integer(slow.at_seconds);
    reply.Integer(slow.duration_us);
    reply.Array(slow.args.size());
    for (const std::string& arg : slow.args) reply.Bulk(arg);
    reply.Bulk(slow.client_address);
    reply.Bulk(slow.client_name);
  }
}

void Length(Context& ctx) {
  ctx.reply().Integer(static_cast<int64_t>(ctx.engine().slowlog().entries().size()));
}

void Reset(Context& ctx) {
  ctx.engine().slowlog().Clear();
  ctx.reply().Ok();
}

}  // namespace

void RegisterSlowlog(engine::CommandTable& table) {
  table.Bind("slowlog|get", engine::MakeHandler<&Get>());
  table.Bind("slowlog|len", engine::MakeHandler<&Length>());
  table.Bind("slowlog|reset", engine::MakeHandler<&Reset>());
  table.Bind("slowlog|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
