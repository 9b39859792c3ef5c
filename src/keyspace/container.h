// What Database must be able to do with any container, whatever its type: one switch over (type, encoding).
#pragma once

#include <cstddef>

#include "keyspace/entry.h"

namespace hearth::keyspace {

// Elements, fields or members.
size_t ContainerSize(const Entry& entry);

// About how many allocations freeing it takes.
size_t ContainerFreeEffort(const Entry& entry);

// Bytes that the allocator holds for what hangs on the entry's word, strings included; for containers
// of more than `samples` parts, estimated from that many (0: all).
size_t ValueBytes(const Entry& entry, size_t samples);

void FreeContainer(const Entry& entry);

// A deep copy, to hang on another entry of the same type and encoding.
void* CopyContainer(const Entry& entry);

}  // namespace hearth::keyspace
