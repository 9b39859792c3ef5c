#include "keyspace/entry.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/numbers.h"
#include "ds/quicklist.h"
#include "keyspace/container.h"
#include "keyspace/entry_layout.h"

namespace hearth::keyspace {
namespace {

// Strings up to this size print as embstr.
constexpr size_t kEmbstrBytes = 44;

// The allocator's size classes are 16 bytes apart up to 128 and then four to a doubling. Two sizes in one
// class take the same memory, so a value may change in place between them.
size_t SizeClass(size_t bytes) {
  if (bytes <= 128) return (bytes + 15) & ~size_t{15};
  const int shift = 64 - __builtin_clzll(bytes - 1) - 3;
  const size_t step = size_t{1} << shift;
  return (bytes + step - 1) & ~(step - 1);
}

}  // namespace

Text* Text::New(size_t size, size_t capacity) {
  capacity = SizeClass(sizeof(Text) + std::max(size, capacity)) - sizeof(Text);
  Text* text = static_cast<Text*>(::operator new(sizeof(Text) + capacity));
  text->size = size;
  text->capacity = capacity;
  return text;
}

Text* Text::Resize(Text* text, size_t size, bool generous) {
  const size_t old_size = text->size;
  if (size > text->capacity) {
    constexpr size_t kLargestStep = size_t{1} << 20;
    Text* larger = New(old_size, generous ? size + std::min(size, kLargestStep) : size);
    std::memcpy(larger->data(), text->data(), old_size);
    Free(text);
    text = larger;
  }
  if (size > old_size) std::memset(text->data() + old_size, 0, size - old_size);
  text->size = size;
  return text;
}

void Text::Free(Text* text) { ::operator delete(text, sizeof(Text) + text->capacity); }

Encoding EncodingOf(std::string_view text, int64_t* number) {
  if (text.size() <= 20) {
    if (const auto value = ParseInt64(text)) {
      *number = *value;
      return Encoding::kInt;
    }
  }
  return text.size() <= kEmbstrBytes ? Encoding::kEmbstr : Encoding::kRaw;
}

Entry* EntryBuilder::NewShell(std::string_view key, Type type, Encoding encoding, bool has_word,
                              size_t inline_bytes, int64_t expiry_ms, uint32_t access) {
  const bool has_expiry = expiry_ms >= 0;
  const bool long_key = key.size() > 0xff;
  const size_t bytes = 8 + 8 * (has_expiry + has_word + long_key) + key.size() + inline_bytes;
  // Asking for the whole class lets the sized free name it after the value has changed in place.
  Entry* entry = static_cast<Entry*>(::operator new(SizeClass(bytes)));
  entry->type_ = static_cast<uint8_t>(type);
  entry->encoding_ = static_cast<uint8_t>(encoding);
  entry->flags_ = static_cast<uint8_t>((has_expiry ? Entry::kHasExpiry : 0) |
                                       (has_word ? Entry::kHasWord : 0) | (long_key ? Entry::kLongKey : 0));
  entry->key_size_ = long_key ? 0 : static_cast<uint8_t>(key.size());
  entry->value_size_ = static_cast<uint16_t>(inline_bytes);
  entry->set_access(access);
  if (has_expiry) entry->set_expiry_ms(expiry_ms);
  if (long_key) entry->StoreWord(entry->WordOffset() + 8 * has_word, static_cast<int64_t>(key.size()));
  std::memcpy(entry->Bytes() + entry->KeyOffset(), key.data(), key.size());
  return entry;
}

Entry* EntryBuilder::NewString(std::string_view key, std::string_view text, int64_t expiry_ms,
                               uint32_t access) {
  int64_t number;
  const Encoding encoding = EncodingOf(text, &number);
  if (encoding == Encoding::kInt) {
    Entry* entry = NewShell(key, Type::kString, encoding, true, 0, expiry_ms, access);
    entry->StoreWord(entry->WordOffset(), number);
    return entry;
  }
  if (key.size() + text.size() + 16 > Entry::kInlineBytes) {
    Text* copy = Text::New(text.size(), text.size());
    std::memcpy(copy->data(), text.data(), text.size());
    Entry* entry = NewShell(key, Type::kString, encoding, true, 0, expiry_ms, access);
    entry->set_container(copy);
    return entry;
  }
  Entry* entry = NewShell(key, Type::kString, encoding, false, text.size(), expiry_ms, access);
  std::memcpy(entry->inline_text(), text.data(), text.size());
  return entry;
}

Entry* EntryBuilder::NewText(std::string_view key, Text* text, int64_t expiry_ms, uint32_t access) {
  Entry* entry = NewShell(key, Type::kString, Encoding::kRaw, true, 0, expiry_ms, access);
  entry->set_container(text);
  return entry;
}

Entry* EntryBuilder::NewContainer(std::string_view key, Type type, Encoding encoding, void* container,
                                  int64_t expiry_ms, uint32_t access) {
  Entry* entry = NewShell(key, type, encoding, true, 0, expiry_ms, access);
  entry->set_container(container);
  return entry;
}

Entry* EntryBuilder::Rebuild(Entry* entry, std::string_view key, int64_t expiry_ms) {
  const bool has_word = entry->has_word();
  const std::string_view inline_text = has_word ? std::string_view() : entry->text();
  Entry* rebuilt = NewShell(key, entry->type(), entry->encoding(), has_word, inline_text.size(), expiry_ms,
                            entry->access());
  if (has_word) {
    rebuilt->StoreWord(rebuilt->WordOffset(), entry->LoadWord(entry->WordOffset()));
  } else {
    std::memcpy(rebuilt->inline_text(), inline_text.data(), inline_text.size());
  }
  FreeShell(entry);
  return rebuilt;
}

Entry* EntryBuilder::Copy(const Entry& entry, std::string_view key, int64_t expiry_ms) {
  if (entry.type() != Type::kString) {
    return NewContainer(key, entry.type(), entry.encoding(), CopyContainer(entry), expiry_ms, entry.access());
  }
  const bool has_word = entry.has_word();
  const std::string_view inline_text = has_word ? std::string_view() : entry.text();
  Entry* copy =
      NewShell(key, Type::kString, entry.encoding(), has_word, inline_text.size(), expiry_ms, entry.access());
  if (entry.is_int()) {
    copy->StoreWord(copy->WordOffset(), entry.int_value());
  } else if (has_word) {
    const std::string_view text = entry.text();
    Text* word = Text::New(text.size(), text.size());
    std::memcpy(word->data(), text.data(), text.size());
    copy->set_container(word);
  } else {
    std::memcpy(copy->inline_text(), inline_text.data(), inline_text.size());
  }
  return copy;
}

bool EntryBuilder::SetTextInPlace(Entry& entry, std::string_view text, int64_t expiry_ms) {
  if (entry.type() != Type::kString || entry.has_expiry() != (expiry_ms >= 0)) return false;
  int64_t number;
  const Encoding encoding = EncodingOf(text, &number);
  if (encoding == Encoding::kInt) {
    if (!entry.is_int()) return false;
    entry.StoreWord(entry.WordOffset(), number);
  } else if (!entry.has_word()) {
    if (!HasInlineRoom(entry, text.size())) return false;
    std::memcpy(entry.inline_text(), text.data(), text.size());
    entry.value_size_ = static_cast<uint16_t>(text.size());
  } else {
    return false;
  }
  entry.set_encoding(encoding);
  if (expiry_ms >= 0) entry.set_expiry_ms(expiry_ms);
  return true;
}

bool EntryBuilder::HasInlineRoom(const Entry& entry, size_t size) {
  const size_t fixed = entry.KeyOffset() + entry.key_size();
  return fixed + size <= Entry::kInlineBytes &&
         SizeClass(fixed + size) == SizeClass(fixed + entry.value_size_);
}

size_t EntryBuilder::ShellBytes(const Entry& entry) {
  return entry.KeyOffset() + entry.key_size() + (entry.has_word() ? 0 : entry.value_size_);
}

void EntryBuilder::FreeShell(Entry* entry) { ::operator delete(entry, SizeClass(ShellBytes(*entry))); }

size_t EntryBytes(const Entry& entry) { return malloc_usable_size(const_cast<Entry*>(&entry)); }

size_t FreeEffort(const Entry& entry) {
  return entry.type() == Type::kString ? 1 : ContainerFreeEffort(entry);
}

void FreeEntry(Entry* entry) {
  if (entry->type() != Type::kString) {
    FreeContainer(*entry);
  } else if (entry->has_word() && !entry->is_int()) {
    Text::Free(entry->text_word());
  }
  EntryBuilder::FreeShell(entry);
}

}  // namespace hearth::keyspace
