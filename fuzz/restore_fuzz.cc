// Arbitrary bytes as the value of each type: what is taken must be readable, must live through changes, and
// must read the same after DUMP and RESTORE.
#include <string>

#include "base/assert.h"
#include "fuzz_input.h"
#include "keyspace/hash_value.h"
#include "keyspace/keyspace.h"
#include "keyspace/list_value.h"
#include "keyspace/set_value.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/testing_keyspace.h"
#include "rdb/encode_payload.h"
#include "rdb/payload.h"
#include "rdb/testing/describe.h"

namespace hearth::rdb {
namespace {

using keyspace::Key;
using keyspace::Type;
using keyspace::WriteHandle;

settings::Settings SomeSettings(FuzzInput& input) {
  settings::Settings settings;
  if (input.Byte() % 2 == 0) return settings;
  settings.hash_max_listpack_entries = input.Byte() % 4;
  settings.set_max_listpack_entries = input.Byte() % 4;
  settings.set_max_intset_entries = input.Byte() % 4;
  settings.zset_max_listpack_entries = input.Byte() % 4;
  settings.list_max_listpack_size = static_cast<int8_t>(input.Byte());
  settings.list_compress_depth = input.Byte() % 3;
  return settings;
}

void Change(keyspace::Database& database, const Key& key, std::string_view text) {
  WriteHandle handle = database.FindForWrite(key);
  if (!handle) return;
  const std::string_view texts[] = {text, text};
  switch (handle->type()) {
    case Type::kList: {
      keyspace::ListValue list(handle);
      list.Push(keyspace::ListEnd::kHead, texts);
      list.Rotate(keyspace::ListEnd::kTail, keyspace::ListEnd::kHead);
      list.Drop(keyspace::ListEnd::kTail, 1);
      break;
    }
    case Type::kSet: {
      keyspace::SetValue set(handle);
      set.Add(text);
      set.Remove("1");
      break;
    }
    case Type::kHash: {
      keyspace::HashValue hash(handle);
      hash.Set(text, text);
      hash.Erase("f");
      break;
    }
    default:
      break;
  }
}

// A payload that was taken gives one that is taken again, and means the same.
void GoRound(const keyspace::Entry& entry, const DecodeContext& context) {
  const std::string payload = EncodePayload(entry, Compression::kYes);
  const auto body = PayloadBody(payload);
  HEARTH_ASSERT(body);
  const auto again = DecodePayload(*body, {"key"}, context);
  HEARTH_ASSERT(again);
  // Encodings may differ: what came is kept as it came where the limits allow that.
  const auto contents = [](const keyspace::Entry& of) {
    const std::string text = testing::Describe(of);
    return text.substr(text.find(' ', text.find(' ') + 1));
  };
  HEARTH_ASSERT(contents(entry) == contents(**again));
}

// What was taken is a key that lives on.
void LiveOn(std::string_view body, const settings::Settings& settings, std::string_view text) {
  keyspace::TestingKeyspace t;
  t.keyspace.set_expired_keys(keyspace::ExpiredKeys::kIgnore);
  t.settings = settings;
  auto entry = DecodePayload(body, {"key"}, {t.settings, &t.keyspace.cuts(), true});
  HEARTH_ASSERT(entry);
  const Key key("key");
  t.db().Adopt(std::move(*entry), key);
  Change(t.db(), key, text);
  if (const keyspace::Entry* changed = t.db().Find(key)) testing::Describe(*changed);
}

void RunOne(FuzzInput input) {
  const settings::Settings settings = SomeSettings(input);
  const bool is_trusted = input.Byte() % 4 == 0;
  const std::string text(input.Text());
  const DecodeContext context{settings, nullptr, !is_trusted};
  const auto entry = DecodePayload(input.Rest(), {"key"}, context);
  if (!entry) return;
  testing::Describe(**entry);
  if (is_trusted) return;
  GoRound(**entry, context);
  LiveOn(input.Rest(), settings, text);
}

}  // namespace
}  // namespace hearth::rdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::rdb::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
