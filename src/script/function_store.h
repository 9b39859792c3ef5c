// The libraries of functions: their code, and the functions that FCALL finds in them. Changes are made on a
// copy, so that a set of libraries is taken whole or not at all.
//
// Owned by Scripts; engine thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "engine/function_libraries.h"
#include "script/interpreter.h"
#include "script/library_loader.h"
#include "script/runner.h"

namespace hearth::script {

class FunctionStore final : public engine::FunctionLibraries {
 public:
  using Libraries = std::map<std::string, std::shared_ptr<const Library>, std::less<>>;

  FunctionStore(Runner& runner, env::Clock& clock) : loader_(runner, clock) {}

  // FUNCTION LOAD: the name of the library. The error is the text after "ERR ".
  Result<std::string> LoadOne(const std::string& code, bool replaces, bool is_limited);
  // FUNCTION RESTORE, and what is read from files: all or none.
  Status LoadAll(std::span<const std::string> codes, Existing existing, bool is_limited);
  bool Delete(std::string_view library);
  void Clear();

  // engine::FunctionLibraries
  std::vector<std::string> Codes() const override;
  Status Load(std::span<const std::string> codes, Existing existing) override {
    return LoadAll(codes, existing, false);
  }

  // In any case; null if there is none.
  const Function* Find(std::string_view function) const;
  const Libraries& libraries() const { return set_.libraries; }
  size_t function_count() const { return set_.functions.size(); }
  Interpreter& interpreter() { return loader_.interpreter(); }
  size_t lua_bytes() const { return loader_.lua_bytes(); }
  size_t memory_bytes() const;

 private:
  struct Hasher {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return Hash(text); }
  };
  struct Set {
    Libraries libraries;
    // By name in lower case.
    std::unordered_map<std::string, const Function*, Hasher, std::equal_to<>> functions;
  };

  static Status Insert(Set& set, std::shared_ptr<const Library> library);
  static void Remove(Set& set, std::string_view library);

  LibraryLoader loader_;  // outlives the libraries, whose functions its interpreter keeps
  Set set_;
};

}  // namespace hearth::script
