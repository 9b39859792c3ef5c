// Scripts and functions: the commands EVAL, SCRIPT, FUNCTION, FCALL and their kin, and what stands behind
// them.
//
// Owned by the composition root; engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/log.h"
#include "engine/engine.h"
#include "env/clock.h"
#include "script/function_store.h"
#include "script/runner.h"
#include "script/script_cache.h"

namespace hearth::script {

class Scripts {
 public:
  using Parts = Runner::Parts;

  explicit Scripts(const Parts& parts);
  ~Scripts();
  Scripts(const Scripts&) = delete;
  Scripts& operator=(const Scripts&) = delete;

  void Register(engine::CommandTable& table);
  // Ten times a second: what scripts have left is freed bit by bit, also when none comes.
  void Tick();

  // What INFO shows.
  struct Figures {
    size_t cached_scripts;
    size_t functions;
    size_t libraries;
    size_t eval_lua_bytes;
    size_t function_lua_bytes;
    size_t script_bytes;
    size_t function_bytes;
    uint64_t evicted_scripts;
  };
  Figures figures() const;

 private:
  // Of EVAL and the like: the number of keys, then keys and arguments.
  struct KeysAndArguments {
    engine::Arguments keys;
    engine::Arguments args;
  };

  static bool TakeKeys(engine::Context& ctx, std::string_view not_a_number, KeysAndArguments* to);
  // What the script or function of a request says of itself; nothing is compiled to find that out.
  bool MayWriteByText(engine::Arguments args) const;
  bool MayWriteByDigest(engine::Arguments args) const;
  bool MayFunctionWrite(engine::Arguments args) const;
  void RunScript(engine::Context& ctx, const Script& script, const KeysAndArguments& given,
                 bool is_read_only);
  void EvalText(engine::Context& ctx, bool is_read_only);
  void EvalDigest(engine::Context& ctx, bool is_read_only);
  void CallFunction(engine::Context& ctx, bool is_read_only);

  void Eval(engine::Context& ctx) { EvalText(ctx, false); }
  void EvalReadOnly(engine::Context& ctx) { EvalText(ctx, true); }
  void EvalSha(engine::Context& ctx) { EvalDigest(ctx, false); }
  void EvalShaReadOnly(engine::Context& ctx) { EvalDigest(ctx, true); }
  void FCall(engine::Context& ctx) { CallFunction(ctx, false); }
  void FCallReadOnly(engine::Context& ctx) { CallFunction(ctx, true); }

  // script_commands.cc
  void ScriptLoad(engine::Context& ctx);
  void ScriptExists(engine::Context& ctx);
  void ScriptShow(engine::Context& ctx);
  void ScriptFlush(engine::Context& ctx);
  void ScriptKill(engine::Context& ctx);
  static void ScriptDebug(engine::Context& ctx);
  void RegisterScript(engine::CommandTable& table);

  // function_commands.cc
  void FunctionLoad(engine::Context& ctx);
  void FunctionDelete(engine::Context& ctx);
  void FunctionFlush(engine::Context& ctx);
  void FunctionList(engine::Context& ctx);
  void FunctionStats(engine::Context& ctx);
  void FunctionKill(engine::Context& ctx);
  void FunctionDump(engine::Context& ctx);
  void FunctionRestore(engine::Context& ctx);
  void RegisterFunction(engine::CommandTable& table);

  engine::Engine& engine_;
  Runner runner_;
  ScriptCache cache_;
  FunctionStore functions_;
};

}  // namespace hearth::script
