#include "keyspace/expiry_cycle.h"

#include <string>
#include <vector>

namespace hearth::keyspace {

ExpiryCycle::ExpiryCycle(Keyspace& keyspace, std::function<int64_t()> now_us)
    : keyspace_(keyspace),
      now_us_(std::move(now_us)),
      cursors_(static_cast<size_t>(keyspace.database_count())) {}

void ExpiryCycle::Begin(int64_t budget_us) {
  budget_left_us_ = budget_us;
  databases_left_ = keyspace_.database_count();
  has_fields_left_ = true;
}

bool ExpiryCycle::NextDatabase() {
  database_ = (database_ + 1) % keyspace_.database_count();
  return --databases_left_ > 0;
}

ExpiryCycle::Progress ExpiryCycle::ScanSome(Database& database) {
  // About twenty keys a round at the default effort, more with active-expire-effort.
  const size_t wanted = 20 + 5 * static_cast<size_t>(keyspace_.settings().active_expire_effort - 1);
  uint64_t& cursor = cursors_[static_cast<size_t>(database_)];
  Progress progress;
  std::vector<std::string> expired;
  // Buckets may be empty after a wave of expiry: visiting them is bounded too.
  size_t buckets = 0;
  do {
    cursor = database.ScanExpiring(cursor, [&](const Entry& entry) {
      ++progress.sampled;
      if (database.IsExpired(entry)) expired.emplace_back(entry.key());
    });
  } while (cursor != 0 && progress.sampled < wanted && ++buckets < 20 * wanted);
  for (const std::string& key : expired) progress.expired += database.RemoveIfExpired(Key(key));
  return progress;
}

bool ExpiryCycle::ExpireFields(int64_t end_us) {
  int idle = 0;
  while (idle < keyspace_.database_count()) {
    if (keyspace_.database(field_database_).ExpireFieldsOfFirst(kFieldsAtOnce) > 0) {
      idle = 0;
      if (now_us_() >= end_us) return true;
    } else {
      field_database_ = (field_database_ + 1) % keyspace_.database_count();
      ++idle;
    }
  }
  return false;
}

bool ExpiryCycle::ExpireKeys(int64_t end_us) {
  KeyspaceStats& stats = keyspace_.stats();
  // Below this share of expired keys, going on costs more than the memory it brings.
  const double enough = (10.0 - static_cast<double>(keyspace_.settings().active_expire_effort - 1)) / 100.0;
  bool has_more = databases_left_ > 0;
  while (has_more && now_us_() < end_us) {
    Database& database = keyspace_.database(database_);
    if (database.expiring_count() == 0) {
      has_more = NextDatabase();
      continue;
    }
    const Progress progress = ScanSome(database);
    if (progress.sampled > 0) {
      const double share = static_cast<double>(progress.expired) / static_cast<double>(progress.sampled);
      stats.expired_stale_perc = share * 100 * 0.05 + stats.expired_stale_perc * 0.95;
      if (share <= enough) has_more = NextDatabase();
    } else if (cursors_[static_cast<size_t>(database_)] == 0) {
      has_more = NextDatabase();
    }
  }
  return has_more;
}

bool ExpiryCycle::RunSlice() {
  if (!is_enabled_ || budget_left_us_ <= 0) return false;
  if (databases_left_ <= 0 && !has_fields_left_) return false;
  // What expires on a replica is its primary's to remove.
  if (keyspace_.expired_keys() != ExpiredKeys::kRemove) return false;
  const int64_t start_us = now_us_();
  if (has_fields_left_) has_fields_left_ = ExpireFields(start_us + kSliceMicros / 2);
  const bool has_more = ExpireKeys(start_us + kSliceMicros) || has_fields_left_;
  const int64_t used_us = now_us_() - start_us;
  KeyspaceStats& stats = keyspace_.stats();
  stats.expire_cycle_cpu_us += static_cast<uint64_t>(used_us);
  budget_left_us_ -= used_us;
  if (has_more && budget_left_us_ <= 0) ++stats.expired_time_cap_reached;
  return has_more && budget_left_us_ > 0;
}

}  // namespace hearth::keyspace
