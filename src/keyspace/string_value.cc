#include "keyspace/string_value.h"

#include <algorithm>
#include <cstring>

#include "keyspace/entry_layout.h"
#include "keyspace/keyspace.h"

namespace hearth::keyspace {
namespace {

// Room ahead of a string that has begun to grow, so that appending costs constant time a byte.
size_t GenerousCapacity(size_t size) {
  constexpr size_t kLargestStep = size_t{1} << 20;
  return size + std::min(size, kLargestStep);
}

}  // namespace

void StringValue::MoveToText(size_t size) {
  Entry* entry = handle_.entry_;
  IntDigits digits;
  const std::string_view old_text = StringText(*entry, digits);
  Text* text = Text::New(old_text.size(), std::max(old_text.size(), GenerousCapacity(size)));
  std::memcpy(text->data(), old_text.data(), old_text.size());
  if (entry->is_int()) {
    entry->set_container(text);
    return;
  }
  // An inline entry has no word to hang the text on.
  Entry* larger = EntryBuilder::NewText(entry->key(), text, entry->expiry_ms(), entry->access());
  handle_.database_->ReplaceEntry(entry, larger, handle_.key_.hash);
  EntryBuilder::FreeShell(entry);
  handle_.entry_ = larger;
}

char* StringValue::Resize(size_t size) {
  handle_.MarkChanged();
  return Reshape(size);
}

char* StringValue::Reshape(size_t size) {
  Entry* entry = handle_.entry_;
  if (entry->is_inline() && EntryBuilder::HasInlineRoom(*entry, size)) {
    const size_t old_size = entry->value_size_;
    if (size > old_size) std::memset(entry->inline_text() + old_size, 0, size - old_size);
    entry->value_size_ = static_cast<uint16_t>(size);
    entry->set_encoding(Encoding::kRaw);
    return entry->inline_text();
  }
  if (entry->is_int() || entry->is_inline()) MoveToText(size);
  entry = handle_.entry_;
  handle_.database_->keyspace().cutter().BeforeTextChange(*entry);
  Text* text = Text::Resize(entry->text_word(), size, true);
  entry->set_container(text);
  entry->set_encoding(Encoding::kRaw);
  return text->data();
}

void StringValue::Append(std::string_view text) {
  const size_t old_size = StringLength(*handle_);
  char* bytes = Resize(old_size + text.size());
  if (!text.empty()) std::memcpy(bytes + old_size, text.data(), text.size());
}

size_t StringValue::Overwrite(size_t offset, std::string_view text) {
  const size_t size = std::max(StringLength(*handle_), offset + text.size());
  std::memcpy(Resize(size) + offset, text.data(), text.size());
  return size;
}

void StringValue::SetInteger(int64_t value) {
  HEARTH_ASSERT(handle_->is_int());
  handle_.MarkChanged();
  handle_.entry_->StoreWord(handle_.entry_->WordOffset(), value);
}

void StringValue::SetText(std::string_view text) {
  char* bytes = Resize(text.size());
  std::memcpy(bytes, text.data(), text.size());
  int64_t number;
  const Encoding encoding = EncodingOf(text, &number);
  handle_.entry_->set_encoding(encoding == Encoding::kInt ? Encoding::kEmbstr : encoding);
}

}  // namespace hearth::keyspace
