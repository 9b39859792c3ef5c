#include "script/script_cache.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "script/libraries/libraries.h"
#include "script/redis_api.h"
#include "script/script_flags.h"

namespace hearth::script {
namespace {

std::unique_ptr<Interpreter> MakeInterpreter(Runner& runner) {
  auto interpreter = std::make_unique<Interpreter>(&runner);
  lua_State* lua = interpreter->lua();
  OpenProtectedCalls(lua);
  PushApi(lua, runner, ApiOf::kScript);
  lua_pushvalue(lua, -1);
  lua_setglobal(lua, "redis");
  lua_setglobal(lua, "server");
  SeedRandom(lua, static_cast<int32_t>(runner.engine().keyspace().random().Next()));
  ProtectGlobals(lua);
  return interpreter;
}

// What the compiler says has the place in front.
constexpr std::string_view kCompiling = "Error compiling script (new function): ";

}  // namespace

ScriptCache::ScriptCache(Runner& runner) : runner_(runner), interpreter_(MakeInterpreter(runner)) {}

size_t ScriptCache::MemoryOf(const Script& script) {
  // The nodes of two tables and a list.
  constexpr size_t kNodes = 3 * 48;
  return sizeof(Script) + script.text.capacity() + kNodes;
}

Result<Script*> ScriptCache::Load(std::string_view text, bool pins) {
  if (const auto known = by_text_.find(text); known != by_text_.end()) {
    Script& script = *known->second;
    if (pins && !script.is_pinned) of_eval_.erase(script.place);
    script.is_pinned |= pins;
    Touch(script);
    return &script;
  }
  const Result<ScriptSource> source = ParseScript(text);
  if (!source) return std::unexpected(source.error());
  const Result<int> reference = interpreter_->Compile(source->body, "@user_script");
  if (!reference) return Fail(fmt::format("{}{}", kCompiling, reference.error().message));
  auto made = std::make_unique<Script>();
  Script& script = *made;
  script.text = text;
  script.digest = DigestOf(text);
  script.flags = source->flags;
  script.reference = *reference;
  // That which is not empty.
  const size_t end = text.find_last_not_of(" \t\r\n") + 1;
  script.last_line = static_cast<int>(1 + std::count(text.begin(), text.begin() + end, '\n'));
  script.is_pinned = pins;
  if (!pins) script.place = of_eval_.insert(of_eval_.end(), &script);
  memory_bytes_ += MemoryOf(script);
  by_text_.emplace(script.text, &script);
  scripts_.emplace(script.sha(), std::move(made));
  if (of_eval_.size() > kMostOfEval) Evict(*of_eval_.front());
  return &script;
}

void ScriptCache::Touch(Script& script) {
  if (!script.is_pinned) of_eval_.splice(of_eval_.end(), of_eval_, script.place);
}

void ScriptCache::Evict(Script& script) {
  ++evicted_;
  memory_bytes_ -= MemoryOf(script);
  interpreter_->Release(script.reference);
  of_eval_.erase(script.place);
  by_text_.erase(by_text_.find(script.text));
  scripts_.erase(scripts_.find(script.sha()));
}

Script* ScriptCache::Peek(std::string_view sha) const {
  Digest lower;
  if (sha.size() != lower.size()) return nullptr;
  for (size_t i = 0; i < sha.size(); ++i) {
    const char letter = sha[i];
    lower[i] = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  const auto found = scripts_.find(std::string_view(lower.data(), lower.size()));
  return found == scripts_.end() ? nullptr : found->second.get();
}

Script* ScriptCache::Find(std::string_view sha) {
  Script* script = Peek(sha);
  if (script != nullptr) Touch(*script);
  return script;
}

void ScriptCache::Clear() {
  of_eval_.clear();
  by_text_.clear();
  scripts_.clear();
  memory_bytes_ = 0;
  interpreter_ = MakeInterpreter(runner_);
}

}  // namespace hearth::script
