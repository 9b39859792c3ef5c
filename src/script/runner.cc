#include "script/runner.h"

#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "engine/busy_error.h"
#include "script/libraries/libraries.h"
#include "script/lua_to_reply.h"
#include "script/reply_to_lua.h"

namespace hearth::script {
namespace {

// Instructions between two looks at a slow script's clients, and the time between two.
constexpr int kHookCount = 1'000;
constexpr int64_t kServeEveryMicros = 2'000;

void PushStrings(lua_State* lua, engine::Arguments texts) {
  lua_createtable(lua, static_cast<int>(texts.size()), 0);
  int i = 0;
  for (const std::string_view text : texts) {
    lua_pushlstring(lua, text.data(), text.size());
    lua_rawseti(lua, -2, ++i);
  }
}

}  // namespace

// One way into Lua and back, on the stack of Run.
struct Runner::Invocation {
  Runner& runner;
  const Callable& callable;
  engine::Arguments keys;
  engine::Arguments args;
  resp::Writer plain;         // for replies that cannot fail in the middle
  resp::OutputBuffer output;  // for others
  WrittenReply written;
};

Runner::Runner(const Parts& parts)
    : parts_(parts), engine_(parts.engine), watchdog_(parts.clock, &Runner::Hook) {}

// ---- before, during and after

std::string Runner::Refusal(const engine::Client& client, const Callable& callable, bool is_read_only) const {
  const engine::Refusals& refusals = engine_.refusals();
  const bool is_stale = refusals.is_stale && !client.is_trusted();
  constexpr std::string_view kStale =
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
  if (callable.flags & kUndeclared) return std::string(is_stale ? kStale : "");
  if ((callable.flags & kNoWrites) == 0) {
    if (is_read_only) return "ERR Can not execute a script with write flag using *_ro command.";
    if (std::string refusal = engine_.WriteRefusal(client); !refusal.empty()) return refusal;
  }
  if (is_stale && (callable.flags & kAllowStale) == 0) return std::string(kStale);
  const bool may_use_memory = (callable.flags & (kNoWrites | kAllowOom)) == 0;
  if (may_use_memory && engine_.is_out_of_memory() && !client.is_trusted()) {
    return "OOM command not allowed when used memory > 'maxmemory'.";
  }
  return {};
}

void Runner::Invoke(lua_State* lua, void* data) {
  auto* invocation = static_cast<Invocation*>(data);
  const Callable& callable = invocation->callable;
  if (callable.is_function) {
    Interpreter::PushKept(lua, callable.reference);
    PushStrings(lua, invocation->keys);
    PushStrings(lua, invocation->args);
    lua_call(lua, 2, 1);
  } else {
    PushGlobals(lua);
    PushStrings(lua, invocation->keys);
    lua_setfield(lua, -2, "KEYS");
    PushStrings(lua, invocation->args);
    lua_setfield(lua, -2, "ARGV");
    lua_settop(lua, 0);
    Interpreter::PushKept(lua, callable.reference);
    lua_call(lua, 0, 1);
  }
  const int protocol = invocation->runner.run_->reply_protocol;
  if (IsPlain(lua)) {
    WriteReply(lua, protocol, invocation->plain);
  } else {
    resp::Writer writer(invocation->output, invocation->plain.protocol());
    invocation->written = WriteReply(lua, protocol, writer);
  }
}

void Runner::Run(engine::Context& context, const Callable& callable, engine::Arguments keys,
                 engine::Arguments args, bool is_read_only) {
  HEARTH_ASSERT(run_ == nullptr);
  engine::Client& client = context.client();
  // Before what it calls, which shows itself.
  engine_.ShowToMonitors(client, context.args());
  if (const std::string refusal = Refusal(client, callable, is_read_only); !refusal.empty()) {
    return context.Error(refusal);
  }
  RunState run{.client = client,
               .callable = callable,
               .command = context.args(),
               .is_read_only = is_read_only || (callable.flags & kNoWrites) != 0,
               .started_us = parts_.clock.MonotonicMicros()};
  run_ = &run;
  const int database = client.database;
  Invocation invocation{*this, callable, keys, args, client.writer, resp::OutputBuffer(pool_), {}};
  engine_.EnterUnit();
  watchdog_.Begin(callable.interpreter->lua(), engine_.settings().busy_reply_threshold);
  const bool is_done = callable.interpreter->Call(&Runner::Invoke, &invocation);
  watchdog_.End();
  if (run.is_slow) engine_.SetBusy(engine::Busy::kNo);
  client.database = database;
  if (run.is_dropped) engine_.effects().Discard();
  engine_.LeaveUnit(client);
  run_ = nullptr;
  Finish(context, invocation, is_done);
  callable.interpreter->CollectGarbage(false);
}

void Runner::Finish(engine::Context& context, Invocation& invocation, bool is_done) {
  if (!is_done) {
    Interpreter::ScriptError error = invocation.callable.interpreter->TakeError();
    // Where it is not known, it was the last thing that the script did.
    const Callable& callable = invocation.callable;
    if (error.source.empty()) {
      error.source = callable.is_function ? "@user_function" : "@user_script";
      error.line = callable.last_line;
    }
    error.text += fmt::format(" script: {}, on {}:{}.", callable.name, error.source, error.line);
    return error.is_counted ? context.ErrorCountedBefore(error.text) : context.Error(error.text);
  }
  resp::OutputBuffer& output = invocation.output;
  if (output.empty()) return;
  iovec first;
  output.FillIov(&first, 1);
  const std::string_view bytes(static_cast<const char*>(first.iov_base), first.iov_len);
  if (invocation.written.is_error) {
    // "-", the text, and the end of the line.
    const std::string text(bytes.substr(1, bytes.find('\r') - 1));
    return invocation.written.is_counted ? context.ErrorCountedBefore(text) : context.Error(text);
  }
  constexpr size_t kCopiedBytes = 4096;
  resp::OutputBuffer& to = context.reply().output();
  if (output.size_bytes() == bytes.size() && bytes.size() <= kCopiedBytes) {
    to.Append(bytes);
  } else {
    to.TakeAll(output);
  }
}

// ---- stopping

Result<std::optional<Runner::Current>> Runner::DescribeFunction() const {
  if (run_ == nullptr) return std::nullopt;
  if (!run_->callable.is_function) return Fail(std::string(engine::BusyError(engine::Busy::kScript)));
  return Current{run_->callable.name, run_->command,
                 (parts_.clock.MonotonicMicros() - run_->started_us) / 1000};
}

Status Runner::Kill(bool is_function) {
  if (run_ == nullptr) return Fail("NOTBUSY No scripts in execution right now.");
  if (run_->client.is(engine::Client::kFromPrimary)) {
    return Fail(
        "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot "
        "be "
        "killed.");
  }
  if (run_->has_written) {
    return Fail(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either "
        "wait "
        "the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.");
  }
  if (is_function != run_->callable.is_function) {
    return Fail(std::string(
        engine::BusyError(run_->callable.is_function ? engine::Busy::kFunction : engine::Busy::kScript)));
  }
  run_->is_killed = true;
  return {};
}

void Runner::Hook(lua_State* lua, lua_Debug*) { static_cast<Runner*>(Interpreter::Self(lua))->OnHook(lua); }

void Runner::OnHook(lua_State* lua) {
  RunState& run = *run_;
  const int64_t now_us = parts_.clock.MonotonicMicros();
  const int64_t threshold_ms = engine_.settings().busy_reply_threshold;
  if (!run.is_slow && (now_us - run.started_us) / 1000 < threshold_ms) return watchdog_.MeantAnother(lua);
  if (!run.is_killed) {
    if (!run.is_slow) {
      run.is_slow = true;
      watchdog_.Heard(lua, kHookCount, false);
      parts_.log.Warning(
          "Slow script detected: still in execution after {} milliseconds. You can try killing the script "
          "using "
          "the {} command. Script name is: {}.",
          (now_us - run.started_us) / 1000, run.callable.is_function ? "FUNCTION KILL" : "SCRIPT KILL",
          run.callable.name);
    }
    // While a file is loaded nobody is served in between.
    if (!engine_.is_loading() && now_us - run.served_us >= kServeEveryMicros) ServeOthers();
  }
  if (!run.is_killed) return;
  // It may catch the error: then it gets the next one at once.
  watchdog_.Heard(lua, 1, true);
  if (!run.is_dropped) parts_.log.Notice("Lua script killed by user with SCRIPT KILL.");
  RaiseError(lua, "ERR Script killed by user with SCRIPT KILL...");
}

void Runner::ServeOthers() {
  RunState& run = *run_;
  if (!parts_.serve) return;
  engine_.SetBusy(run.callable.is_function ? engine::Busy::kFunction : engine::Busy::kScript);
  const Serving serving = parts_.serve();
  run.served_us = parts_.clock.MonotonicMicros();
  if (serving == Serving::kEndNow) run.is_killed = run.is_dropped = true;
  if (serving == Serving::kEndIfClean && !run.has_written) run.is_killed = true;
}

}  // namespace hearth::script
