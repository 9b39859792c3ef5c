// A keyspace with default settings and an observer that remembers what it was told. For unit tests.
#pragma once

#include <string>
#include <vector>

#include "keyspace/keyspace.h"

namespace hearth::keyspace {

class RecordingObserver : public KeyspaceObserver {
 public:
  void OnChanged(Database& database, const Key& key) override { Note("changed", database, key); }
  void OnAdded(Database& database, const Key& key, Type) override { Note("added", database, key); }
  void OnExpired(Database& database, const Key& key) override { Note("expired", database, key); }
  void OnFieldsExpired(Database& database, const Key& key, std::span<const std::string> fields) override {
    for (const std::string& field : fields) Note(("field " + field + " expired").c_str(), database, key);
  }
  void OnEvicted(Database& database, const Key& key) override { Note("evicted", database, key); }
  void OnEmptied(Database& database, const Key& key) override { Note("emptied", database, key); }

  // "changed 0 key"; emptied by Take.
  std::vector<std::string> Take() { return std::exchange(events_, {}); }

 private:
  void Note(const char* event, Database& database, const Key& key) {
    events_.push_back(std::string(event) + " " + std::to_string(database.index()) + " " +
                      std::string(key.text));
  }
  std::vector<std::string> events_;
};

struct TestingKeyspace {
  explicit TestingKeyspace(uint64_t seed = 1) : keyspace(settings, observer, 4, seed) {
    keyspace.set_now_ms(1'000'000'000'000);
    keyspace.set_reports_changes(true);
    keyspace.set_reports_added(true);
  }
  Database& db() { return keyspace.database(0); }

  settings::Settings settings;
  RecordingObserver observer;
  Keyspace keyspace;
};

}  // namespace hearth::keyspace
