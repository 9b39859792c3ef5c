#include "rdb/decode_value.h"

#include <fmt/format.h>

#include "rdb/decode_containers.h"

namespace hearth::rdb {
namespace {

using keyspace::Type;

bool DecodeString(Reader& reader, const KeyAttributes& attributes, keyspace::FreshEntry* entry) {
  std::string_view text;
  if (!reader.ReadString(&text)) return false;
  *entry = keyspace::NewStringEntry(attributes.key, text, attributes.expiry_ms, attributes.access);
  return true;
}

bool RefuseModule(Reader& reader) {
  uint64_t id = 0;
  if (!reader.ReadLength(&id)) return false;
  return reader.Fail(fmt::format("the value belongs to the module \"{}\" (version {}), which is not there",
                                 ModuleName(id), id & 1023));
}

using ContainerDecoder = bool (*)(Reader&, ValueType, const DecodeContext&, Container*);

struct Form {
  Type type;
  ContainerDecoder decode;
};

Form FormOf(ValueType type) {
  switch (type) {
    case ValueType::kList:
    case ValueType::kListZiplist:
    case ValueType::kListQuicklist:
    case ValueType::kListQuicklist2:
      return {Type::kList, DecodeList};
    case ValueType::kSet:
    case ValueType::kSetIntset:
    case ValueType::kSetListpack:
      return {Type::kSet, DecodeSet};
    case ValueType::kZset:
    case ValueType::kZset2:
    case ValueType::kZsetZiplist:
    case ValueType::kZsetListpack:
      return {Type::kSortedSet, DecodeSortedSet};
    case ValueType::kHash:
    case ValueType::kHashZipmap:
    case ValueType::kHashZiplist:
    case ValueType::kHashListpack:
    case ValueType::kHashMetadataPreGa:
    case ValueType::kHashListpackExPreGa:
    case ValueType::kHashMetadata:
    case ValueType::kHashListpackEx:
      return {Type::kHash, DecodeHash};
    case ValueType::kStreamListpacks:
    case ValueType::kStreamListpacks2:
    case ValueType::kStreamListpacks3:
      return {Type::kStream, DecodeStream};
    case ValueType::kString:
    case ValueType::kModulePreGa:
    case ValueType::kModule2:
      break;
  }
  return {Type::kString, nullptr};
}

}  // namespace

bool DecodeEntry(Reader& reader, ValueType type, const KeyAttributes& attributes,
                 const DecodeContext& context, keyspace::FreshEntry* entry) {
  entry->reset();
  if (type == ValueType::kString) return DecodeString(reader, attributes, entry);
  if (type == ValueType::kModulePreGa || type == ValueType::kModule2) return RefuseModule(reader);
  const Form form = FormOf(type);
  Container container;
  if (!form.decode(reader, type, context, &container)) return false;
  if (container.pointer == nullptr) return true;
  *entry = keyspace::NewContainerEntry(attributes.key, form.type, container.encoding, container.pointer,
                                       attributes.expiry_ms, attributes.access);
  return true;
}

// ---- modules

std::string ModuleName(uint64_t id) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name(9, ' ');
  id >>= 10;
  for (size_t i = name.size(); i-- > 0; id >>= 6) name[i] = kLetters[id & 63];
  return name;
}

bool SkipModuleValues(Reader& reader) {
  for (;;) {
    uint64_t tag = 0;
    uint64_t ignored = 0;
    if (!reader.ReadLength(&tag)) return false;
    switch (static_cast<ModuleTag>(tag)) {
      case ModuleTag::kEnd:
        return true;
      case ModuleTag::kSigned:
      case ModuleTag::kUnsigned:
        if (!reader.ReadLength(&ignored)) return false;
        break;
      case ModuleTag::kFloat:
        if (!reader.SkipBytes(sizeof(float))) return false;
        break;
      case ModuleTag::kDouble:
        if (!reader.SkipBytes(sizeof(double))) return false;
        break;
      case ModuleTag::kString:
        if (!reader.SkipString()) return false;
        break;
      default:
        return reader.Fail(fmt::format("no part of a module's value has the tag {}", tag));
    }
  }
}

}  // namespace hearth::rdb
