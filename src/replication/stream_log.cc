#include "replication/stream_log.h"

#include "base/text.h"

namespace hearth::replication {

StreamLog::StreamLog(const engine::CommandTable& commands, log::WriteLog& log, log::EffectWriter& effects)
    : log_(log), effects_(effects), ping_(commands.FindId("ping")), replconf_(commands.FindId("replconf")) {}

void StreamLog::Begin() {
  run_ = {};
  transaction_.clear();
  wants_ack_ = false;
}

void StreamLog::AfterRequest(const engine::Client& client, net::Batch& batch, size_t index) {
  const net::Request& request = batch.requests()[index];
  const std::string_view raw = batch.Raw(index);
  if (client.in_transaction() || !transaction_.empty()) [[unlikely]] {
    if (transaction_.empty()) Flush(client);
    transaction_.append(raw);
    if (client.in_transaction()) return;
    log_.Append(transaction_);
    transaction_.clear();
    effects_.set_database(client.database);
    return;
  }
  if (request.command == ping_ || request.command == replconf_) [[unlikely]] {
    Flush(client);
    log_.AppendForReplicas(raw);
    const auto args = batch.args(request);
    wants_ack_ = wants_ack_ || (args.size() > 1 && EqualsIgnoreCase(args[1], "getack"));
    return;
  }
  run_ = run_.empty() ? raw : std::string_view(run_.data(), run_.size() + raw.size());
  if (index + 1 == batch.requests().size() || client.is(engine::Client::kClosing)) Flush(client);
}

void StreamLog::End(const engine::Client& client) {
  Flush(client);
  transaction_.clear();
}

void StreamLog::Flush(const engine::Client& client) {
  if (run_.empty()) return;
  log_.Append(run_);
  run_ = {};
  effects_.set_database(client.database);
}

}  // namespace hearth::replication
