#include "script/scripts.h"

#include "base/numbers.h"

namespace hearth::script {

Scripts::Scripts(const Parts& parts)
    : engine_(parts.engine), runner_(parts), cache_(runner_), functions_(runner_, parts.clock) {
  engine_.set_functions(&functions_);
}

Scripts::~Scripts() { engine_.set_functions(nullptr); }

void Scripts::Tick() {
  if (runner_.is_running()) return;
  cache_.interpreter().CollectGarbage(true);
  functions_.interpreter().CollectGarbage(true);
}

Scripts::Figures Scripts::figures() const {
  return {.cached_scripts = cache_.size(),
          .functions = functions_.function_count(),
          .libraries = functions_.libraries().size(),
          .eval_lua_bytes = cache_.lua_bytes(),
          .function_lua_bytes = functions_.lua_bytes(),
          .script_bytes = cache_.memory_bytes(),
          .function_bytes = functions_.memory_bytes(),
          .evicted_scripts = cache_.evicted()};
}

bool Scripts::TakeKeys(engine::Context& ctx, std::string_view not_a_number, KeysAndArguments* to) {
  const auto count = ctx.Integer(2, not_a_number);
  if (!count) return false;
  const engine::Arguments rest = ctx.args().subspan(3);
  if (*count > static_cast<int64_t>(rest.size())) {
    ctx.Error("ERR Number of keys can't be greater than number of args");
    return false;
  }
  if (*count < 0) {
    ctx.Error("ERR Number of keys can't be negative");
    return false;
  }
  *to = {rest.first(static_cast<size_t>(*count)), rest.subspan(static_cast<size_t>(*count))};
  return true;
}

bool Scripts::MayWriteByText(engine::Arguments args) const {
  const Result<ScriptSource> source = ParseScript(args[1]);
  return !source || (source->flags & kNoWrites) == 0;
}

bool Scripts::MayWriteByDigest(engine::Arguments args) const {
  const Script* script = cache_.Peek(args[1]);
  return script == nullptr || (script->flags & kNoWrites) == 0;
}

bool Scripts::MayFunctionWrite(engine::Arguments args) const {
  const Function* function = functions_.Find(args[1]);
  return function == nullptr || (function->flags & kNoWrites) == 0;
}

void Scripts::RunScript(engine::Context& ctx, const Script& script, const KeysAndArguments& given,
                        bool is_read_only) {
  const Callable callable{.interpreter = &cache_.interpreter(),
                          .reference = script.reference,
                          .name = script.sha(),
                          .flags = script.flags,
                          .is_function = false,
                          .last_line = script.last_line};
  runner_.Run(ctx, callable, given.keys, given.args, is_read_only);
}

void Scripts::EvalText(engine::Context& ctx, bool is_read_only) {
  KeysAndArguments given;
  if (!TakeKeys(ctx, {}, &given)) return;
  const Result<Script*> script = cache_.Load(ctx[1], false);
  if (!script) return ctx.Error("ERR " + script.error().message);
  RunScript(ctx, **script, given, is_read_only);
}

void Scripts::EvalDigest(engine::Context& ctx, bool is_read_only) {
  KeysAndArguments given;
  constexpr std::string_view kNoScript = "NOSCRIPT No matching script. Please use EVAL.";
  if (ctx[1].size() != std::tuple_size_v<Digest>) return ctx.Error(kNoScript);
  if (!TakeKeys(ctx, {}, &given)) return;
  const Script* script = cache_.Find(ctx[1]);
  if (script == nullptr) return ctx.Error(kNoScript);
  RunScript(ctx, *script, given, is_read_only);
}

void Scripts::CallFunction(engine::Context& ctx, bool is_read_only) {
  const Function* function = functions_.Find(ctx[1]);
  if (function == nullptr) return ctx.Error("ERR Function not found");
  KeysAndArguments given;
  if (!TakeKeys(ctx, "ERR Bad number of keys provided", &given)) return;
  const Callable callable{.interpreter = &functions_.interpreter(),
                          .reference = function->reference,
                          .name = function->name,
                          .flags = function->flags,
                          .is_function = true,
                          .last_line = function->last_line};
  runner_.Run(ctx, callable, given.keys, given.args, is_read_only);
}

void Scripts::Register(engine::CommandTable& table) {
  table.Bind("eval", engine::MakeHandler<&Scripts::Eval>(*this));
  table.Bind("eval_ro", engine::MakeHandler<&Scripts::EvalReadOnly>(*this));
  table.Bind("evalsha", engine::MakeHandler<&Scripts::EvalSha>(*this));
  table.Bind("evalsha_ro", engine::MakeHandler<&Scripts::EvalShaReadOnly>(*this));
  table.Bind("fcall", engine::MakeHandler<&Scripts::FCall>(*this));
  table.Bind("fcall_ro", engine::MakeHandler<&Scripts::FCallReadOnly>(*this));
  RegisterScript(table);
  RegisterFunction(table);
  const auto ask = [&](std::string_view name, bool (Scripts::*may_write)(engine::Arguments) const) {
    table.FindFull(name)->may_write = [this, may_write](engine::Arguments args) {
      return (this->*may_write)(args);
    };
  };
  ask("eval", &Scripts::MayWriteByText);
  ask("evalsha", &Scripts::MayWriteByDigest);
  ask("fcall", &Scripts::MayFunctionWrite);
}

}  // namespace hearth::script
