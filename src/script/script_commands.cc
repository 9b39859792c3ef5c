// SCRIPT: the cache of scripts, and the one that runs.

#include <fmt/format.h>

#include "script/scripts.h"

namespace hearth::script {

using engine::Context;

void Scripts::ScriptLoad(Context& ctx) {
  const Result<Script*> script = cache_.Load(ctx[2], true);
  if (!script) return ctx.Error("ERR " + script.error().message);
  ctx.reply().Bulk((*script)->sha());
}

void Scripts::ScriptExists(Context& ctx) {
  ctx.reply().Array(ctx.size() - 2);
  for (const std::string_view sha : ctx.args().subspan(2)) ctx.reply().Integer(cache_.Peek(sha) != nullptr);
}

void Scripts::ScriptShow(Context& ctx) {
  const Script* script = cache_.Peek(ctx[2]);
  if (script == nullptr) return ctx.Error("NOSCRIPT No matching script. Please use EVAL.");
  ctx.reply().Bulk(script->text);
}

// Either way it is gone at once: what takes time is its memory, and that is little.
void Scripts::ScriptFlush(Context& ctx) {
  if (ctx.size() > 3 || (ctx.size() == 3 && !ctx.Is(2, "sync") && !ctx.Is(2, "async"))) {
    return ctx.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  cache_.Clear();
  ctx.reply().Ok();
}

void Scripts::ScriptKill(Context& ctx) {
  if (const Status status = runner_.Kill(false); !status) return ctx.Error(status.error().message);
  ctx.reply().Ok();
}

void Scripts::ScriptDebug(Context& ctx) {
  if (ctx.Is(2, "no")) return ctx.reply().Ok();
  if (!ctx.Is(2, "yes") && !ctx.Is(2, "sync")) return ctx.Error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
  ctx.Error("ERR the Lua debugger is not supported by this version of Hearth");
}

void Scripts::RegisterScript(engine::CommandTable& table) {
  table.Bind("script|load", engine::MakeHandler<&Scripts::ScriptLoad>(*this));
  table.Bind("script|exists", engine::MakeHandler<&Scripts::ScriptExists>(*this));
  table.Bind("script|show", engine::MakeHandler<&Scripts::ScriptShow>(*this));
  table.Bind("script|flush", engine::MakeHandler<&Scripts::ScriptFlush>(*this));
  table.Bind("script|kill", engine::MakeHandler<&Scripts::ScriptKill>(*this));
  table.Bind("script|debug", engine::MakeHandler<&Scripts::ScriptDebug>());
}

}  // namespace hearth::script
