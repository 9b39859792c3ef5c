#include "keyspace/field_table.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <unordered_set>

#include "base/memory.h"

namespace hearth::keyspace {

Field* Field::New(std::string_view name, std::string_view value, int64_t expiry_ms) {
  const bool expires = expiry_ms >= 0;
  const Form form = !expires && name.size() <= kMaxTinyName && value.size() <= kMaxTinyValue ? kTiny
                    : name.size() <= UINT8_MAX && value.size() <= UINT16_MAX                 ? kCompact
                                                                                             : kWide;
  const size_t header_size = HeaderSize(form, expires);
  // Asking for the whole size class lets the sized free name it after the value has changed in place.
  auto* field =
      static_cast<Field*>(::operator new(GoodAllocationSize(header_size + name.size() + value.size())));
  field->bytes_[0] = static_cast<uint8_t>(form | (expires ? kExpires : 0));
  if (form == kTiny) {
    field->bytes_[0] |= static_cast<uint8_t>(name.size() << kTinyNameShift);
  } else if (form == kCompact) {
    field->bytes_[1] = static_cast<uint8_t>(name.size());
  } else {
    StoreLittle<uint64_t>(field->bytes() + 4, name.size());
  }
  if (expires) field->SetExpiry(expiry_ms);
  if (!name.empty()) std::memcpy(field->bytes() + header_size, name.data(), name.size());
  field->SetValue(value);
  return field;
}

void Field::Free(Field* field) { ::operator delete(field, GoodAllocationSize(field->total_size())); }

bool Field::HasRoomFor(std::string_view value, int64_t expiry_ms) const {
  if (has_expiry() != (expiry_ms >= 0)) return false;
  if (value.size() > max_value_size()) return false;
  const size_t old_size = total_size();
  const size_t new_size = old_size - value_size() + value.size();
  return new_size == old_size || GoodAllocationSize(new_size) == GoodAllocationSize(old_size);
}

void Field::SetValue(std::string_view value) {
  if (form() == kTiny) {
    bytes_[1] = static_cast<uint8_t>(value.size());
  } else if (form() == kCompact) {
    StoreLittle<uint16_t>(bytes() + 2, static_cast<uint16_t>(value.size()));
  } else {
    StoreLittle<uint64_t>(bytes() + 12, value.size());
  }
  if (!value.empty()) std::memcpy(bytes() + header_size() + name_size(), value.data(), value.size());
}

FieldTable::~FieldTable() { fields_.VisitAll(Field::Free); }

bool FieldTable::Set(std::string_view name, std::string_view value, int64_t expiry_ms) {
  const uint64_t hash = Hash(name);
  const auto position = fields_.Find(name, hash);
  if (position) {
    Overwrite(position, hash, value,
              expiry_ms == kKeepFieldExpiry ? position.item()->expiry_ms() : expiry_ms);
    return false;
  }
  Field* field = Field::New(name, value, expiry_ms);
  fields_.Insert(field, hash);
  if (field->has_expiry()) StartExpiring(field);
  return true;
}

void FieldTable::Overwrite(ds::HashTable<Traits>::Position position, uint64_t hash, std::string_view value,
                           int64_t expiry_ms) {
  Field* field = position.item();
  if (field->HasRoomFor(value, expiry_ms)) {
    fields_.WillChange(hash);
    field->SetValue(value);
    if (expiry_ms == field->expiry_ms()) return;
    StopExpiring(field);
    field->SetExpiry(expiry_ms);
    StartExpiring(field);
  } else {
    // A running cut reads the old field while it hears of the change.
    Field* replacement = Field::New(field->name(), value, expiry_ms);
    fields_.Replace(position, replacement, hash);
    if (replacement->has_expiry()) StartExpiring(replacement);
    if (field->has_expiry()) StopExpiring(field);
    Field::Free(field);
  }
}

bool FieldTable::SetExpiry(std::string_view name, int64_t expiry_ms) {
  const uint64_t hash = Hash(name);
  const auto position = fields_.Find(name, hash);
  if (!position) return false;
  Field* field = position.item();
  if (field->has_expiry() && expiry_ms >= 0) {
    fields_.WillChange(hash);
    StopExpiring(field);
    field->SetExpiry(expiry_ms);
    StartExpiring(field);
  } else if (field->has_expiry() || expiry_ms >= 0) {
    Overwrite(position, hash, field->value(), expiry_ms);
  }
  return true;
}

bool FieldTable::Erase(std::string_view name) {
  const uint64_t hash = Hash(name);
  const auto position = fields_.Find(name, hash);
  if (!position) return false;
  Field* field = fields_.Erase(position, hash);
  if (field->has_expiry()) StopExpiring(field);
  Field::Free(field);
  return true;
}

void FieldTable::StartExpiring(Field* field) {
  if (expiring_ == nullptr) expiring_ = std::make_unique<ExpiringFields>();
  expiring_->Insert(ExpiringId(field), field);
}

void FieldTable::StopExpiring(Field* field) {
  expiring_->Erase(ExpiringId(field));
  if (expiring_->empty()) expiring_.reset();
}

size_t FieldTable::CountExpiring(int64_t ms, size_t limit) const {
  if (NextExpiry() >= ms) return 0;
  size_t count = 0;
  for (auto at = expiring_->First(); at && count < limit; at = expiring_->Next(at)) {
    if (static_cast<int64_t>(expiring_->IdAt(at).ms) >= ms) break;
    ++count;
  }
  return count;
}

std::vector<std::string> FieldTable::TakeExpiring(int64_t ms, size_t limit) {
  std::vector<std::string> names;
  while (names.size() < limit && NextExpiry() < ms) {
    names.emplace_back(expiring_->ValueAt(expiring_->First()).name());
    Erase(names.back());
  }
  return names;
}

std::vector<const Field*> FieldTable::RandomDistinct(Prng& random, size_t count) const {
  std::vector<const Field*> chosen;
  // Drawing until all are different is quick while few are asked for; else the front of a shuffle is.
  if (count < size() / 3) {
    chosen.reserve(count);
    std::unordered_set<const Field*> seen;
    while (chosen.size() < count) {
      const Field* field = &Random(random);
      if (seen.insert(field).second) chosen.push_back(field);
    }
    return chosen;
  }
  chosen.reserve(size());
  VisitAll([&](const Field& field) { chosen.push_back(&field); });
  if (count >= chosen.size()) return chosen;
  for (size_t i = 0; i < count; ++i) std::swap(chosen[i], chosen[i + random.Below(chosen.size() - i)]);
  chosen.resize(count);
  return chosen;
}

size_t FieldTable::MemoryBytes(size_t samples) const {
  size_t sampled = 0;
  size_t sampled_bytes = 0;
  for (size_t i = 0; i < fields_.bucket_count() && (samples == 0 || sampled < samples); ++i) {
    fields_.VisitBucket(i, [&](const Field* field) {
      ++sampled;
      sampled_bytes += AllocationSize(field);
    });
  }
  const size_t table_bytes = GoodAllocationSize(sizeof(*this)) + fields_.MemoryBytes() +
                             (expiring_ == nullptr ? 0 : sizeof(*expiring_) + expiring_->MemoryBytes());
  if (sampled == 0) return table_bytes;
  const double mean = static_cast<double>(sampled_bytes) / static_cast<double>(sampled);
  return table_bytes + static_cast<size_t>(mean * static_cast<double>(size()));
}

uint64_t FieldTable::Relocate(uint64_t cursor, ds::BlockMover& mover) {
  return fields_.Relocate(cursor, mover, [&](Field* field) {
    const ds::StreamId id = field->has_expiry() ? ExpiringId(field) : ds::StreamId();
    Field* moved = mover.Moved(field);
    if (moved != field && moved->has_expiry()) {
      expiring_->Erase(id);
      expiring_->Insert(ExpiringId(moved), moved);
    }
    return moved;
  });
}

FieldTable* FieldTable::Clone() const {
  auto copy = std::make_unique<FieldTable>(cuts_);
  VisitAll([&](const Field& field) {
    Field* twin = Field::New(field.name(), field.value(), field.expiry_ms());
    copy->fields_.Insert(twin, Hash(field.name()));
    if (twin->has_expiry()) copy->StartExpiring(twin);
  });
  return copy.release();
}

}  // namespace hearth::keyspace
