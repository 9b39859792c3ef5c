// The commands that scripts call: their arguments out of Lua, what they may do, and their replies into Lua.

#include <cmath>

#include <fmt/format.h>

#include "base/numbers.h"
#include "script/reply_to_lua.h"
#include "script/runner.h"

namespace hearth::script {
namespace {

// A number as an argument: digits if it is whole, else so many that it can be read back.
std::string_view FormatNumber(lua_Number number, std::array<char, 32>& to) {
  constexpr lua_Number kWhole = 1e17;
  const auto whole = static_cast<int64_t>(std::fabs(number) < kWhole ? number : 0);
  if (static_cast<lua_Number>(whole) == number && (whole != 0 || !std::signbit(number))) {
    return {to.data(), static_cast<size_t>(FormatInt64(whole, to.data()))};
  }
  const auto written = fmt::format_to_n(to.data(), to.size(), "{:.17g}", number);
  return {to.data(), written.size};
}

// So much of replies is kept while a script runs.
constexpr size_t kKeptReplyBytes = 8192;

}  // namespace

// The texts stay Lua's: nothing runs there until the command is done.
bool Runner::GatherArguments(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) {
    PushError(lua, "ERR Please specify at least one argument for this redis lib call", false);
    return false;
  }
  arguments_.clear();
  if (numbers_.size() < static_cast<size_t>(count)) numbers_.resize(static_cast<size_t>(count));
  for (int i = 1; i <= count; ++i) {
    const int type = lua_type(lua, i);
    if (type == LUA_TSTRING) {
      size_t size = 0;
      const char* text = lua_tolstring(lua, i, &size);
      arguments_.emplace_back(text, size);
    } else if (type == LUA_TNUMBER) {
      arguments_.push_back(FormatNumber(lua_tonumber(lua, i), numbers_[static_cast<size_t>(i - 1)]));
    } else {
      PushError(lua, "ERR Lua redis lib command arguments must be strings or integers", false);
      return false;
    }
  }
  return true;
}

engine::Command* Runner::FindCommand() const {
  engine::Command* command = engine_.commands().Find(arguments_[0]);
  if (command == nullptr || command->subcommands.empty() || arguments_.size() < 2) return command;
  return engine_.commands().FindSubcommand(*command, arguments_[1]);
}

std::string Runner::WriteRefusal(const engine::Command& command) const {
  const bool is_write = command.is(engine::kCommandWrite);
  if (run_->is_read_only && (is_write || command.is(engine::kCommandMayReplicate))) {
    return "ERR Write commands are not allowed from read-only scripts.";
  }
  return is_write ? engine_.WriteRefusal(run_->client) : std::string();
}

std::string Runner::CommandRefusal(engine::Command& command) {
  engine::Client& client = run_->client;
  if (!command.AcceptsArgumentCount(arguments_.size())) {
    return "ERR Wrong number of args calling Redis command from script";
  }
  if (!command.handler) {
    return fmt::format("ERR '{}' is not supported by this version of Hearth", command.full_name());
  }
  if (command.is(engine::kCommandNoScript)) return "ERR This Redis command is not allowed from script";
  if (engine_.refusals().is_stale && !client.is_trusted() && !command.is(engine::kCommandStale)) {
    return "ERR Can not execute the command on a stale replica";
  }
  if (client.is(engine::Client::kRestricted) && !client.is(engine::Client::kFromPrimary)) {
    const engine::AclVerdict verdict = engine_.acl().Check(client, command, arguments_);
    if (!verdict.is_allowed()) {
      engine_.acl().Record(client, command, arguments_, verdict, engine::AclContext::kScript,
                           engine_.now_ms());
      return "NOPERM ACL failure in script: " +
             engine::Acl::Explain(*client.user, command, arguments_, verdict, false);
    }
  }
  if (std::string refusal = WriteRefusal(command); !refusal.empty()) return refusal;
  // What has begun to write is not stopped half way.
  const bool minds_memory = command.is(engine::kCommandDenyOom) && (run_->callable.flags & kAllowOom) == 0;
  if (minds_memory && !run_->has_written && !client.is_trusted() && engine_.is_out_of_memory()) {
    return "OOM command not allowed when used memory > 'maxmemory'.";
  }
  return {};
}

bool Runner::Refuse(lua_State* lua, engine::Command* command, std::string_view error) {
  if (command != nullptr) ++command->counters.rejected;
  engine_.CountError(error);
  PushError(lua, error, true);
  return false;
}

bool Runner::CallCommand(lua_State* lua) {
  if (run_ == nullptr) {
    PushError(lua, "ERR redis.call/pcall can only be called inside a script invocation", false);
    return false;
  }
  if (!GatherArguments(lua)) return false;
  engine::Command* command = FindCommand();
  if (command == nullptr) return Refuse(lua, nullptr, "ERR Unknown Redis command called from script");
  if (const std::string refusal = CommandRefusal(*command); !refusal.empty())
    return Refuse(lua, command, refusal);
  engine::Client& client = run_->client;
  // A reply that did not fit Lua's memory may still stand there.
  if (scratch_.size_bytes() > kKeptReplyBytes) scratch_.Clear();
  const size_t before = scratch_.size_bytes();
  run_->has_written |= command->is(engine::kCommandWrite);
  const resp::Writer writer = client.writer;
  client.writer = resp::Writer(scratch_, run_->reply_protocol);
  if (!run_->replicates) engine_.effects().set_muted(true);
  engine_.CallInScript(client, *command, arguments_);
  engine_.effects().set_muted(false);
  client.writer = writer;
  const bool is_done = PushScratch(lua, before);
  if (scratch_.size_bytes() > kKeptReplyBytes) scratch_.Clear();
  return is_done;
}

// Pushes the reply that begins at `from`. The small replies before it stay, so that memory need not be found
// for each.
bool Runner::PushScratch(lua_State* lua, size_t from) {
  if (scratch_.size_bytes() == from) {
    lua_pushnil(lua);
    return true;
  }
  iovec pieces[2];
  if (scratch_.FillIov(pieces, 2) == 1) {
    const std::string_view all(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len);
    return !PushReply(lua, all.substr(from));
  }
  flat_.clear();
  while (!scratch_.empty()) {
    scratch_.FillIov(pieces, 1);
    flat_.append(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len);
    scratch_.Consume(pieces[0].iov_len);
  }
  const bool is_error = PushReply(lua, std::string_view(flat_).substr(from));
  constexpr size_t kKeptBytes = 64 * 1024;
  if (flat_.capacity() > kKeptBytes) flat_ = {};
  return !is_error;
}

bool Runner::CheckRights(lua_State* lua) {
  if (run_ == nullptr) {
    PushError(lua, "ERR redis.acl_check_cmd can only be called inside a script invocation", false);
    return false;
  }
  if (!GatherArguments(lua)) return false;
  const engine::Command* command = FindCommand();
  if (command == nullptr) {
    PushError(lua, "ERR Invalid command passed to redis.acl_check_cmd()", false);
    return false;
  }
  lua_pushboolean(lua, engine_.acl().Check(run_->client, *command, arguments_).is_allowed());
  return true;
}

void Runner::set_reply_protocol(int protocol) {
  if (run_ != nullptr) run_->reply_protocol = protocol;
}

void Runner::set_replicates(bool replicates) {
  if (run_ != nullptr) run_->replicates = replicates;
}

}  // namespace hearth::script
