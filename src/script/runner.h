// Runs scripts and functions: who calls what, with which rights, and what their commands did.
//
// Owned by Scripts; engine thread only. One script runs at a time, since no script can call another.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lua.hpp>

#include "base/log.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "resp/output_buffer.h"
#include "script/interpreter.h"
#include "script/script_flags.h"
#include "script/watchdog.h"

namespace hearth::script {

// What a slow script's serving of clients led to.
enum class Serving : uint8_t {
  kGoOn,
  kEndIfClean,  // the server is to end: a script that has written nothing need not be waited for
  kEndNow,      // it ends, and saves nothing
};

// What runs: a script of EVAL, or a function.
struct Callable {
  Interpreter* interpreter;
  int reference;          // in the interpreter's keeping
  std::string_view name;  // the digest of a script, the name of a function
  uint32_t flags;         // of ScriptFlag
  bool is_function;
  int last_line;  // of its source
};

class Runner {
 public:
  struct Parts {
    engine::Engine& engine;
    env::Clock& clock;
    Logger& log;
    // Serves clients for a moment in the middle of a script that takes long.
    std::function<Serving()> serve;
  };
  explicit Runner(const Parts& parts);

  // Runs it for the client and replies. `keys` and `args` as the command has them.
  void Run(engine::Context& context, const Callable& callable, engine::Arguments keys, engine::Arguments args,
           bool is_read_only);

  // ---- SCRIPT KILL, FUNCTION KILL and FUNCTION STATS

  struct Current {
    std::string_view name;
    engine::Arguments command;
    int64_t duration_ms;
  };
  bool is_running() const { return run_ != nullptr; }
  // The function that runs, if one does. The error, whole, while a script of EVAL runs.
  Result<std::optional<Current>> DescribeFunction() const;
  // The error, whole, if it cannot be killed.
  Status Kill(bool is_function);

  // ---- what Lua calls back; each gives the number of its results, or raises

  static Runner& Of(lua_State* lua) {
    return *static_cast<Runner*>(lua_touserdata(lua, lua_upvalueindex(1)));
  }
  // redis.call and redis.pcall: pushes the reply. False if it is an error.
  bool CallCommand(lua_State* lua);
  // redis.acl_check_cmd. False if an error has been pushed.
  bool CheckRights(lua_State* lua);
  void set_reply_protocol(int protocol);
  void set_replicates(bool replicates);
  Logger& log() { return parts_.log; }
  engine::Engine& engine() { return engine_; }
  static void Hook(lua_State* lua, lua_Debug* debug);

 private:
  struct RunState {
    engine::Client& client;
    const Callable& callable;
    engine::Arguments command;
    bool is_read_only;
    int64_t started_us;
    bool has_written = false;
    bool is_killed = false;
    bool is_slow = false;
    bool is_dropped = false;  // what it has written goes nowhere: the process ends
    bool replicates = true;
    int reply_protocol = 2;
    int64_t served_us = 0;
  };
  struct Invocation;

  std::string Refusal(const engine::Client& client, const Callable& callable, bool is_read_only) const;
  static void Invoke(lua_State* lua, void* data);
  static void Finish(engine::Context& context, Invocation& invocation, bool is_done);
  bool GatherArguments(lua_State* lua);
  engine::Command* FindCommand() const;
  // The whole error if the command must not run in this script now, else empty.
  std::string CommandRefusal(engine::Command& command);
  std::string WriteRefusal(const engine::Command& command) const;
  bool Refuse(lua_State* lua, engine::Command* command, std::string_view error);
  bool PushScratch(lua_State* lua, size_t from);
  void OnHook(lua_State* lua);
  void ServeOthers();

  const Parts parts_;
  engine::Engine& engine_;
  Watchdog watchdog_;
  RunState* run_ = nullptr;
  resp::ChunkPool pool_;
  resp::OutputBuffer scratch_{pool_};
  std::string flat_;  // a reply of several chunks
  std::vector<std::string_view> arguments_;
  std::vector<std::array<char, 32>> numbers_;
};

}  // namespace hearth::script
