// What the keyspace tells the engine. The keyspace knows no clients, replies or notifications.
#pragma once

#include <span>
#include <string>

#include "keyspace/entry.h"

namespace hearth::keyspace {

class Database;

// Called on the engine thread, in the middle of the operation; an observer must not change the keyspace from
// it.
class KeyspaceObserver {
 public:
  // The value or expiry of `key` changed, or it came or went. Only while Keyspace::set_reports_changes(true).
  virtual void OnChanged(Database& database, const Key& key) = 0;
  // A key that clients may wait for came into being, or came under this name. Only while
  // Keyspace::set_reports_added.
  virtual void OnAdded(Database& database, const Key& key, Type type) = 0;
  // A key's time was over and it has been removed.
  virtual void OnExpired(Database& database, const Key& key) = 0;
  // The time of some fields of the hash `key` was over and they have been removed.
  virtual void OnFieldsExpired(Database& database, const Key& key, std::span<const std::string> fields) = 0;
  // A key was removed for want of memory.
  virtual void OnEvicted(Database& database, const Key& key) = 0;
  // A container lost its last element and was removed.
  virtual void OnEmptied(Database& database, const Key& key) = 0;

 protected:
  ~KeyspaceObserver() = default;
};

}  // namespace hearth::keyspace
