// Holds the listpack of a small container open for change, and hangs its block, which may have moved, back on
// the entry when it goes out of scope. For value classes, while they hold the WriteHandle.
#pragma once

#include <cstdint>
#include <utility>

#include "ds/listpack.h"
#include "keyspace/database.h"

namespace hearth::keyspace {

class ListpackEdit {
 public:
  explicit ListpackEdit(WriteHandle& handle)
      : handle_(handle),
        encoding_(handle->encoding()),
        pack_(ds::Listpack::Adopt(static_cast<uint8_t*>(handle.container()))) {}
  ListpackEdit(const ListpackEdit&) = delete;
  ListpackEdit& operator=(const ListpackEdit&) = delete;
  ~ListpackEdit() { handle_.SetContainer(encoding_, pack_.Release()); }

  ds::Listpack& operator*() { return pack_; }
  ds::Listpack* operator->() { return &pack_; }
  ds::ListpackView View() const { return pack_.View(); }

 private:
  WriteHandle& handle_;
  const Encoding encoding_;
  ds::Listpack pack_;
};

inline ds::ListpackView ListpackOf(const Entry& entry) {
  return ds::ListpackView(static_cast<const uint8_t*>(entry.container()));
}

}  // namespace hearth::keyspace
