#include "keyspace/field_table.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <unordered_set>

#include "base/memory.h"

namespace hearth::keyspace {

Field* Field::New(std::string_view name, std::string_view value) {
  const bool is_wide = name.size() > UINT8_MAX || value.size() > UINT16_MAX;
  const size_t size = (is_wide ? kWideHeader : kCompactHeader) + name.size() + value.size();
  // Asking for the whole size class lets the sized free name it after the value has changed in place.
  auto* field = static_cast<Field*>(::operator new(GoodAllocationSize(size)));
  field->flags_ = is_wide ? kWide : 0;
  if (is_wide) {
    StoreLittle<uint64_t>(field->bytes() + 4, name.size());
  } else {
    field->name_size_ = static_cast<uint8_t>(name.size());
  }
  if (!name.empty()) std::memcpy(field->bytes() + field->header_size(), name.data(), name.size());
  field->SetValue(value);
  return field;
}

void Field::Free(Field* field) { ::operator delete(field, GoodAllocationSize(field->total_size())); }

bool Field::HasRoomFor(std::string_view value) const {
  if (!is_wide() && value.size() > UINT16_MAX) return false;
  const size_t old_size = total_size();
  const size_t new_size = old_size - value_size() + value.size();
  return new_size == old_size || GoodAllocationSize(new_size) == GoodAllocationSize(old_size);
}

void Field::SetValue(std::string_view value) {
  if (is_wide()) {
    StoreLittle<uint64_t>(bytes() + 12, value.size());
  } else {
    value_size_ = static_cast<uint16_t>(value.size());
  }
  if (!value.empty()) std::memcpy(bytes() + header_size() + name_size(), value.data(), value.size());
}

FieldTable::~FieldTable() { fields_.VisitAll(Field::Free); }

bool FieldTable::Set(std::string_view name, std::string_view value) {
  const uint64_t hash = Hash(name);
  const auto position = fields_.Find(name, hash);
  if (!position) {
    fields_.Insert(Field::New(name, value), hash);
    return true;
  }
  Field* field = position.item();
  if (field->HasRoomFor(value)) {
    fields_.WillChange(hash);
    field->SetValue(value);
  } else {
    fields_.Replace(position, Field::New(name, value), hash);
    Field::Free(field);
  }
  return false;
}

bool FieldTable::Erase(std::string_view name) {
  const uint64_t hash = Hash(name);
  const auto position = fields_.Find(name, hash);
  if (!position) return false;
  Field::Free(fields_.Erase(position, hash));
  return true;
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
  const size_t table_bytes = GoodAllocationSize(sizeof(*this)) + fields_.MemoryBytes();
  if (sampled == 0) return table_bytes;
  const double mean = static_cast<double>(sampled_bytes) / static_cast<double>(sampled);
  return table_bytes + static_cast<size_t>(mean * static_cast<double>(size()));
}

FieldTable* FieldTable::Clone() const {
  auto copy = std::make_unique<FieldTable>(cuts_);
  VisitAll([&](const Field& field) {
    copy->fields_.Insert(Field::New(field.name(), field.value()), Hash(field.name()));
  });
  return copy.release();
}

}  // namespace hearth::keyspace
