// The scripts that EVALSHA finds, by digest. Those of SCRIPT LOAD stay until SCRIPT FLUSH; of those that came
// with EVAL the ones used last stay.
//
// Owned by Scripts; engine thread only.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "base/result.h"
#include "script/digest.h"
#include "script/interpreter.h"
#include "script/runner.h"

namespace hearth::script {

struct Script {
  std::string text;
  Digest digest;
  uint32_t flags = 0;
  int reference = 0;
  int last_line = 1;
  bool is_pinned = false;              // by SCRIPT LOAD
  std::list<Script*>::iterator place;  // among those that are not

  std::string_view sha() const { return {digest.data(), digest.size()}; }
};

class ScriptCache {
 public:
  // So many scripts of EVAL are kept.
  static constexpr size_t kMostOfEval = 500;

  explicit ScriptCache(Runner& runner);

  // The script with this text, compiled if it was not there. The error is the text after "ERR ".
  Result<Script*> Load(std::string_view text, bool pins);
  // By digest in any case, or null. It counts as used.
  Script* Find(std::string_view sha);
  // The same, and it does not.
  Script* Peek(std::string_view sha) const;
  void Clear();

  Interpreter& interpreter() { return *interpreter_; }
  size_t size() const { return scripts_.size(); }
  // What the scripts take beside what Lua has of them.
  size_t memory_bytes() const { return memory_bytes_; }
  size_t lua_bytes() const { return interpreter_->memory_bytes(); }
  uint64_t evicted() const { return evicted_; }

 private:
  struct Hasher {
    size_t operator()(std::string_view text) const { return Hash(text); }
  };

  static size_t MemoryOf(const Script& script);
  void Touch(Script& script);
  void Evict(Script& script);

  Runner& runner_;
  std::unique_ptr<Interpreter> interpreter_;
  // The keys are the scripts' own digests and texts.
  std::unordered_map<std::string_view, std::unique_ptr<Script>, Hasher> scripts_;
  std::unordered_map<std::string_view, Script*, Hasher> by_text_;
  std::list<Script*> of_eval_;  // the one used last at the end
  size_t memory_bytes_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace hearth::script
