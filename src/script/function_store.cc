#include "script/function_store.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace hearth::script {

Status FunctionStore::Insert(Set& set, std::shared_ptr<const Library> library) {
  for (const Function& function : library->functions) {
    if (set.functions.contains(ToLower(function.name))) {
      return Fail(fmt::format("Function {} already exists", function.name));
    }
  }
  for (const Function& function : library->functions)
    set.functions.emplace(ToLower(function.name), &function);
  const std::string& name = library->name;
  set.libraries.emplace(name, std::move(library));
  return {};
}

void FunctionStore::Remove(Set& set, std::string_view library) {
  const auto found = set.libraries.find(library);
  if (found == set.libraries.end()) return;
  for (const Function& function : found->second->functions) set.functions.erase(ToLower(function.name));
  set.libraries.erase(found);
}

Result<std::string> FunctionStore::LoadOne(const std::string& code, bool replaces, bool is_limited) {
  const Result<LibrarySource> source = ParseLibrary(code);
  if (!source) return std::unexpected(source.error());
  if (!replaces && set_.libraries.contains(source->name)) {
    return Fail(fmt::format("Library '{}' already exists", source->name));
  }
  Result<std::shared_ptr<const Library>> library = loader_.Load(code, is_limited);
  if (!library) return std::unexpected(library.error());
  Set changed = set_;
  Remove(changed, source->name);
  if (Status status = Insert(changed, *library); !status) return std::unexpected(status.error());
  set_ = std::move(changed);
  return source->name;
}

Status FunctionStore::LoadAll(std::span<const std::string> codes, Existing existing, bool is_limited) {
  Set changed = existing == Existing::kDropAll ? Set() : set_;
  for (const std::string& code : codes) {
    Result<std::shared_ptr<const Library>> library = loader_.Load(code, is_limited);
    if (!library) return std::unexpected(library.error());
    const std::string& name = (*library)->name;
    if (existing == Existing::kReplaceSameName) {
      Remove(changed, name);
    } else if (changed.libraries.contains(name)) {
      return Fail(fmt::format("Library {} already exists", name));
    }
    HEARTH_TRY(Insert(changed, std::move(*library)));
  }
  set_ = std::move(changed);
  return {};
}

bool FunctionStore::Delete(std::string_view library) {
  if (!set_.libraries.contains(library)) return false;
  Remove(set_, library);
  return true;
}

void FunctionStore::Clear() { set_ = {}; }

std::vector<std::string> FunctionStore::Codes() const {
  std::vector<std::string> codes;
  codes.reserve(set_.libraries.size());
  for (const auto& [name, library] : set_.libraries) codes.push_back(library->code);
  return codes;
}

const Function* FunctionStore::Find(std::string_view function) const {
  const auto exact = set_.functions.find(function);
  if (exact != set_.functions.end()) return exact->second;
  const auto found = set_.functions.find(ToLower(function));
  return found == set_.functions.end() ? nullptr : found->second;
}

size_t FunctionStore::memory_bytes() const {
  size_t bytes = 0;
  for (const auto& [name, library] : set_.libraries) {
    bytes += sizeof(Library) + library->code.capacity();
    for (const Function& function : library->functions) {
      bytes += sizeof(Function) + function.name.capacity() +
               (function.description ? function.description->capacity() : 0);
    }
  }
  return bytes;
}

}  // namespace hearth::script
