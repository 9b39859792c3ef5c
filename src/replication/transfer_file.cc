#include "replication/transfer_file.h"

#include <cstdint>
#include <utility>

#include "base/memory.h"

namespace hearth::replication {
namespace {

constexpr uint64_t kSyncBytes = uint64_t{8} * 1024 * 1024;

}  // namespace

TransferFile::TransferFile(env::Disk& disk, std::string path, std::unique_ptr<rdb::ByteSource> source,
                           std::function<void()> on_done)
    : disk_(disk), path_(std::move(path)), source_(std::move(source)), on_done_(std::move(on_done)) {
  thread_ = std::thread([this] {
    const auto memory = RegisterThreadMemory();
    status_ = Store();
    is_done_.store(true, std::memory_order_release);
    on_done_();
  });
}

Status TransferFile::Store() {
  auto file = disk_.Open(path_, env::OpenMode::kTruncate);
  if (!file) return std::unexpected(file.error());
  uint64_t unsynced = 0;
  for (;;) {
    const Result<std::string_view> block = source_->NextBlock();
    if (!block) return std::unexpected(block.error());
    if (block->empty()) return (*file)->Sync();
    HEARTH_TRY((*file)->Append(*block));
    unsynced += block->size();
    if (unsynced < kSyncBytes) continue;
    HEARTH_TRY((*file)->Sync());
    unsynced = 0;
  }
}

}  // namespace hearth::replication
