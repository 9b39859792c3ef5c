#include "keyspace/table_builders.h"

#include "base/hash.h"

namespace hearth::keyspace {

FieldTableBuilder::FieldTableBuilder(const ds::CutState* cuts, size_t expected)
    : table_(std::make_unique<FieldTable>(cuts)), filler_(table_->fields_, Field::Free) {
  table_->fields_.Reserve(expected);
}

bool FieldTableBuilder::Add(std::string_view name, std::string_view value) {
  const bool are_new = filler_.Add(Field::New(name, value, kNoFieldExpiry), Hash(name));
  is_sound_ = is_sound_ && are_new;
  return are_new;
}

std::unique_ptr<FieldTable> FieldTableBuilder::Build() {
  is_sound_ = filler_.Finish() && is_sound_;
  return is_sound_ ? std::move(table_) : nullptr;
}

MemberTableBuilder::MemberTableBuilder(const ds::CutState* cuts, size_t expected)
    : table_(std::make_unique<MemberTable>(cuts)), filler_(table_->members_, Member::Free) {
  table_->members_.Reserve(expected);
}

bool MemberTableBuilder::Add(std::string_view text) {
  const bool are_new = filler_.Add(Member::New(text), Hash(text));
  is_sound_ = is_sound_ && are_new;
  return are_new;
}

std::unique_ptr<MemberTable> MemberTableBuilder::Build() {
  is_sound_ = filler_.Finish() && is_sound_;
  return is_sound_ ? std::move(table_) : nullptr;
}

}  // namespace hearth::keyspace
