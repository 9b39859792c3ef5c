#include "server/dataset_digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/assert.h"
#include "keyspace/hash_value.h"
#include "keyspace/list_value.h"
#include "keyspace/set_value.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/stream_value.h"
#include "keyspace/string_value.h"

namespace hearth::server {

using keyspace::Element;
using keyspace::Entry;
using keyspace::Type;

// ---- SHA-1

void Digest::Hasher::Freer::operator()(evp_md_st* algorithm) const { EVP_MD_free(algorithm); }
void Digest::Hasher::Freer::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Digest::Hasher::Hasher() : algorithm_(EVP_MD_fetch(nullptr, "SHA1", nullptr)), context_(EVP_MD_CTX_new()) {
  HEARTH_ASSERT(algorithm_ != nullptr && context_ != nullptr);
}

Digest::State Digest::Hasher::operator()(std::string_view text) {
  State state;
  const bool is_done = EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
                       EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1 &&
                       EVP_DigestFinal_ex(context_.get(), state.data(), nullptr) == 1;
  HEARTH_ASSERT(is_done);
  return state;
}

// ---- the digest

void Digest::Fold(std::string_view text) {
  const State hash = hasher_(text);
  for (size_t i = 0; i < state_.size(); ++i) state_[i] ^= hash[i];
}

void Digest::Mix(std::string_view text) {
  Fold(text);
  state_ = hasher_(Bytes());
}

void Digest::MixNumber(uint32_t number) {
  const uint32_t highest_first = __builtin_bswap32(number);
  Mix({reinterpret_cast<const char*>(&highest_first), sizeof(highest_first)});
}

std::string Digest::Hex() const {
  std::string hex;
  for (const uint8_t byte : state_) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
  return hex;
}

// ---- values

namespace {

// The numbers by which Redis knows its types; its modules have the one that is left out.
uint32_t TypeNumber(Type type) {
  switch (type) {
    case Type::kString:
      return 0;
    case Type::kList:
      return 1;
    case Type::kSet:
      return 2;
    case Type::kSortedSet:
      return 3;
    case Type::kHash:
      return 4;
    case Type::kStream:
      return 6;
  }
  return 0;
}

// Puts one value into a digest.
class ValueMixer {
 public:
  ValueMixer(Digest& digest, Digest::Hasher& hasher) : digest_(digest), hasher_(hasher) {}

  void Mix(const Entry& entry);

 private:
  void MixString(const Entry& entry);
  void MixList(const Entry& entry);
  void FoldSet(const Entry& entry);
  void FoldSortedSet(const Entry& entry);
  void FoldHash(const Entry& entry);
  void MixStream(const Entry& entry);
  // Elements that come in no order are digests of their own first.
  void FoldPair(std::string_view one, std::string_view other);

  Digest& digest_;
  Digest::Hasher& hasher_;
};

void ValueMixer::Mix(const Entry& entry) {
  digest_.MixNumber(TypeNumber(entry.type()));
  switch (entry.type()) {
    case Type::kString:
      MixString(entry);
      break;
    case Type::kList:
      MixList(entry);
      break;
    case Type::kSet:
      FoldSet(entry);
      break;
    case Type::kSortedSet:
      FoldSortedSet(entry);
      break;
    case Type::kHash:
      FoldHash(entry);
      break;
    case Type::kStream:
      MixStream(entry);
      break;
  }
  // That there is an expiry counts; which one does not.
  if (entry.has_expiry()) digest_.Fold("!!expire!!");
}

void ValueMixer::MixString(const Entry& entry) {
  keyspace::IntDigits digits;
  digest_.Mix(keyspace::StringText(entry, digits));
}

void ValueMixer::MixList(const Entry& entry) {
  keyspace::ListReader(entry).Walk(0, false, [this](const Element& element) {
    ds::NumberBuffer digits;
    digest_.Mix(element.View(digits));
    return true;
  });
}

void ValueMixer::FoldSet(const Entry& entry) {
  keyspace::SetReader(entry).ForEach([this](const Element& member) {
    ds::NumberBuffer digits;
    digest_.Fold(member.View(digits));
  });
}

void ValueMixer::FoldSortedSet(const Entry& entry) {
  keyspace::SortedSetReader(entry).ForEach([this](const Element& member, double score) {
    ds::NumberBuffer digits;
    FoldPair(member.View(digits), fmt::format("{:.17g}", score));
  });
}

void ValueMixer::FoldHash(const Entry& entry) {
  keyspace::HashReader::OfAllFields(entry).ForEachWithExpiry(
      [this](const Element& field, const Element& value, int64_t expiry_ms) {
        ds::NumberBuffer field_digits, value_digits;
        FoldPair(field.View(field_digits), value.View(value_digits));
        if (expiry_ms != keyspace::kNoFieldExpiry) digest_.Fold("!!hexpire!!");
      });
}

void ValueMixer::FoldPair(std::string_view one, std::string_view other) {
  Digest element(hasher_);
  element.Mix(one);
  element.Mix(other);
  digest_.Fold(element);
}

void ValueMixer::MixStream(const Entry& entry) {
  ds::StreamRange entries(keyspace::StreamOf(entry).log, ds::StreamId::Min(), ds::StreamId::Max());
  while (entries.Next()) {
    digest_.Mix(fmt::format("{}.{}", entries.id().ms, entries.id().seq));
    entries.ForEachField([this](const Element& field, const Element& value) {
      ds::NumberBuffer digits;
      digest_.Mix(field.View(digits));
      digest_.Mix(value.View(digits));
    });
  }
}

// Calls `visit` with every entry of the database.
template <typename Visit>
void ForEachEntry(const keyspace::Database& database, Visit&& visit) {
  uint64_t cursor = 0;
  do {
    cursor = database.Scan(cursor, visit);
  } while (cursor != 0);
}

}  // namespace

std::string ValueDigest(const Entry& entry) {
  Digest::Hasher hasher;
  Digest digest(hasher);
  ValueMixer(digest, hasher).Mix(entry);
  return digest.Hex();
}

std::string DatasetDigest(keyspace::Keyspace& keyspace) {
  Digest::Hasher hasher;
  Digest all(hasher);
  for (int i = 0; i < keyspace.database_count(); ++i) {
    const keyspace::Database& database = keyspace.database(i);
    if (database.size() == 0) continue;
    all.MixNumber(static_cast<uint32_t>(i));
    ForEachEntry(database, [&](const Entry& entry) {
      Digest one(hasher);
      one.Mix(entry.key());
      ValueMixer(one, hasher).Mix(entry);
      all.Fold(one);
    });
  }
  return all.Hex();
}

}  // namespace hearth::server
