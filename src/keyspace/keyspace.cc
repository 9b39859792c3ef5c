#include "keyspace/keyspace.h"

#include "base/assert.h"

namespace hearth::keyspace {

Keyspace::Keyspace(const settings::Settings& settings, KeyspaceObserver& observer, int database_count,
                   uint64_t seed)
    : settings_(settings), observer_(observer), random_(seed), cutter_(*this, cuts_) {
  HEARTH_ASSERT(database_count > 0);
  for (int i = 0; i < database_count; ++i) databases_.push_back(std::make_unique<Database>(*this, i));
}

Keyspace::~Keyspace() = default;

void Keyspace::SwapDatabases(int a, int b) {
  if (a != b) databases_[a]->SwapContents(*databases_[b]);
}

}  // namespace hearth::keyspace
