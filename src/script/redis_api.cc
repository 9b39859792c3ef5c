#include "script/redis_api.h"

#include <string>

#include "script/digest.h"
#include "script/reply_to_lua.h"

namespace hearth::script {
namespace {

int Call(lua_State* lua) {
  if (!Runner::Of(lua).CallCommand(lua)) return lua_error(lua);
  return 1;
}

int ProtectedCall(lua_State* lua) {
  Runner::Of(lua).CallCommand(lua);
  return 1;
}

int CheckRights(lua_State* lua) {
  if (!Runner::Of(lua).CheckRights(lua)) return lua_error(lua);
  return 1;
}

constexpr int kLogLevels = 4;  // debug, verbose, notice, warning

int Log(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count < 2) return RaiseError(lua, "ERR redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0) return RaiseError(lua, "ERR First argument must be a number (log level).");
  const auto level = lua_tointeger(lua, 1);
  if (level < 0 || level >= kLogLevels) return RaiseError(lua, "ERR Invalid debug level.");
  lua_pushliteral(lua, "");
  for (int i = 2; i <= count; ++i) {
    if (lua_isstring(lua, i) == 0) continue;
    if (lua_objlen(lua, -1) != 0) {
      lua_pushliteral(lua, " ");
      lua_pushvalue(lua, i);
      lua_concat(lua, 3);
    } else {
      lua_pushvalue(lua, i);
      lua_remove(lua, -2);
    }
  }
  size_t size = 0;
  const char* text = lua_tolstring(lua, -1, &size);
  Logger& log = Runner::Of(lua).log();
  const auto log_level = static_cast<LogLevel>(level);
  if (log.IsOn(log_level)) log.Write(log_level, {text, size});
  return 0;
}

int SetResp(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "ERR redis.setresp() requires one argument.");
  const auto protocol = lua_tointeger(lua, 1);
  if (protocol != 2 && protocol != 3) return RaiseError(lua, "ERR RESP version must be 2 or 3.");
  Runner::Of(lua).set_reply_protocol(static_cast<int>(protocol));
  return 0;
}

// Which of the two a script's writes go to. Both read one log here: either stands for both.
enum Replication { kNone = 0, kAof = 1, kReplicas = 2, kAll = 3 };

int SetReplication(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "ERR redis.set_repl() requires two arguments.");
  const auto flags = lua_tointeger(lua, 1);
  if ((flags & ~kAll) != 0) {
    return RaiseError(lua,
                      "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  Runner::Of(lua).set_replicates(flags != kNone);
  return 0;
}

int ReplyTable(lua_State* lua, const char* field, bool is_error) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    PushError(lua, "ERR wrong number or type of arguments", false);
    return 1;
  }
  size_t size = 0;
  const char* bytes = lua_tolstring(lua, 1, &size);
  std::string_view text(bytes, size);
  lua_createtable(lua, 0, 1);
  if (is_error && text.starts_with('-')) text.remove_prefix(1);
  const bool needs_code = is_error && text.find(' ') == std::string_view::npos;
  if (needs_code) lua_pushliteral(lua, "ERR ");
  lua_pushlstring(lua, text.data(), text.size());
  if (needs_code) lua_concat(lua, 2);
  lua_setfield(lua, -2, field);
  return 1;
}

int ErrorReply(lua_State* lua) { return ReplyTable(lua, "err", true); }
int StatusReply(lua_State* lua) { return ReplyTable(lua, "ok", false); }

int Sha1Hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "ERR wrong number of arguments");
  size_t size = 0;
  const char* text = lua_tolstring(lua, 1, &size);
  const Digest digest = DigestOf(text != nullptr ? std::string_view(text, size) : std::string_view());
  lua_pushlstring(lua, digest.data(), digest.size());
  return 1;
}

// Effects have been what is replicated for long.
int ReplicateCommands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

// There is no debugger: nobody listens.
int Breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}
int Debug(lua_State*) { return 0; }

int CallProtected(lua_State* lua) {
  luaL_checkany(lua, 1);
  const bool is_done = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0) == 0;
  if (!is_done && lua_type(lua, -1) == LUA_TTABLE) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
    lua_type(lua, -1) == LUA_TSTRING ? lua_replace(lua, -2) : lua_pop(lua, 1);
  }
  lua_pushboolean(lua, is_done);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

struct NamedFunction {
  const char* name;
  lua_CFunction function;
};
struct NamedNumber {
  const char* name;
  int number;
};

constexpr NamedFunction kOfAll[] = {{"log", &Log}};
constexpr NamedFunction kOfFunctions[] = {{"call", &Call},
                                          {"pcall", &ProtectedCall},
                                          {"setresp", &SetResp},
                                          {"error_reply", &ErrorReply},
                                          {"status_reply", &StatusReply},
                                          {"sha1hex", &Sha1Hex},
                                          {"set_repl", &SetReplication},
                                          {"acl_check_cmd", &CheckRights}};
constexpr NamedFunction kOfScripts[] = {
    {"replicate_commands", &ReplicateCommands}, {"breakpoint", &Breakpoint}, {"debug", &Debug}};
constexpr NamedNumber kNumbersOfAll[] = {{"LOG_DEBUG", 0},
                                         {"LOG_VERBOSE", 1},
                                         {"LOG_NOTICE", 2},
                                         {"LOG_WARNING", 3},
                                         {"REDIS_VERSION_NUM", kInterfaceVersionNumber}};
constexpr NamedNumber kNumbersOfFunctions[] = {{"REPL_NONE", kNone},
                                               {"REPL_AOF", kAof},
                                               {"REPL_SLAVE", kReplicas},
                                               {"REPL_REPLICA", kReplicas},
                                               {"REPL_ALL", kAll}};

void AddFunctions(lua_State* lua, Runner& runner, std::span<const NamedFunction> functions) {
  for (const NamedFunction& one : functions) {
    lua_pushlightuserdata(lua, &runner);
    lua_pushcclosure(lua, one.function, 1);
    lua_setfield(lua, -2, one.name);
  }
}

void AddNumbers(lua_State* lua, std::span<const NamedNumber> numbers) {
  for (const NamedNumber& one : numbers) {
    lua_pushinteger(lua, one.number);
    lua_setfield(lua, -2, one.name);
  }
}

}  // namespace

void PushApi(lua_State* lua, Runner& runner, ApiOf of) {
  lua_createtable(lua, 0, 32);
  AddFunctions(lua, runner, kOfAll);
  AddNumbers(lua, kNumbersOfAll);
  lua_pushlstring(lua, kInterfaceVersion.data(), kInterfaceVersion.size());
  lua_setfield(lua, -2, "REDIS_VERSION");
  if (of == ApiOf::kLoadingLibrary) return;
  AddFunctions(lua, runner, kOfFunctions);
  AddNumbers(lua, kNumbersOfFunctions);
  if (of == ApiOf::kScript) AddFunctions(lua, runner, kOfScripts);
}

void OpenProtectedCalls(lua_State* lua) {
  lua_pushcfunction(lua, &CallProtected);
  lua_setglobal(lua, "pcall");
}

}  // namespace hearth::script
