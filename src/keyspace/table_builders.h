// Fill a large hash or set at once, for loading (large sorted sets: score_index_builder.h). Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "ds/table_filler.h"
#include "keyspace/field_table.h"
#include "keyspace/member_table.h"

namespace hearth::keyspace {

class FieldTableBuilder {
 public:
  // `expected` fields will come, about, none of them with an expiry.
  FieldTableBuilder(const ds::CutState* cuts, size_t expected);

  // False if the field, or one of the few before it, was there already.
  bool Add(std::string_view name, std::string_view value);
  // The table; null if a field was there already. The builder is spent then.
  std::unique_ptr<FieldTable> Build();

 private:
  std::unique_ptr<FieldTable> table_;
  ds::TableFiller<FieldTable::Traits> filler_;
  bool is_sound_ = true;
};

class MemberTableBuilder {
 public:
  // `expected` members will come, about.
  MemberTableBuilder(const ds::CutState* cuts, size_t expected);

  // False if the member, or one of the few before it, was there already.
  bool Add(std::string_view text);
  // The table; null if a member was there already. The builder is spent then.
  std::unique_ptr<MemberTable> Build();

 private:
  std::unique_ptr<MemberTable> table_;
  ds::TableFiller<MemberTable::Traits> filler_;
  bool is_sound_ = true;
};

}  // namespace hearth::keyspace
