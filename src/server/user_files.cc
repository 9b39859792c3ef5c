#include "server/user_files.h"

#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "commands/client_info.h"

namespace hearth::server {

using engine::Context;

UserFiles::UserFiles(const Parts& parts) : parts_(parts), settings_(parts.configuration.settings()) {
  engine::Acl& acl = parts_.engine.acl();
  acl.set_describe([&engine = parts_.engine](const engine::Client& client) {
    return client.connection != nullptr ? commands::DescribeClient(client, engine.now_ms()) : std::string();
  });
  acl.RefreshDefaults();
  if (!settings_.requirepass.empty()) acl.SetDefaultPassword(settings_.requirepass);
  parts_.configuration.OnChange({"requirepass"}, [&acl](const auto& settings) -> Status {
    acl.SetDefaultPassword(settings.requirepass);
    return {};
  });
  parts_.configuration.OnChange({"acl-pubsub-default"}, [&acl](const auto&) -> Status {
    acl.RefreshDefaults();
    return {};
  });
  // Users of an ACL file are written there, and nowhere else.
  parts_.configuration.ProvideLines("user", [this, &acl] {
    return settings_.aclfile.empty() ? acl.users().ConfigurationLines() : std::vector<std::string>();
  });
}

void UserFiles::Register(engine::CommandTable& table) {
  table.Bind("acl|load", engine::MakeHandler<&UserFiles::LoadCommand>(*this));
  table.Bind("acl|save", engine::MakeHandler<&UserFiles::SaveCommand>(*this));
  table.Bind("acl|genpass", engine::MakeHandler<&UserFiles::MakePassword>(*this));
}

Status UserFiles::Load() {
  if (settings_.aclfile.empty()) {
    std::vector<std::vector<std::string>> lines;
    for (const settings::FileLine& line : settings_.user_lines) {
      lines.emplace_back(line.words.begin() + 1, line.words.end());
    }
    const Status status = parts_.engine.acl().LoadLines(lines);
    if (!status) parts_.log.Warning("Error loading users of the configuration: {}", status.error().message);
    return status;
  }
  if (!settings_.user_lines.empty()) {
    parts_.log.Warning(
        "The configuration has both user lines and an aclfile, and it cannot be told which of them count: "
        "move "
        "the users into the ACL file, or take the aclfile directive away.");
    return Fail("user lines and an aclfile");
  }
  const Status status = ReadFile(nullptr);
  if (!status) {
    parts_.log.Warning("Aborting Hearth startup because of ACL errors: {}", status.error().message);
  }
  return status;
}

Status UserFiles::ReadFile(engine::Client* caller) {
  const Result<std::string> text = env::ReadWholeFile(parts_.disk, settings_.aclfile);
  if (!text) {
    return Fail(fmt::format("Error loading ACLs, opening file '{}': {}", settings_.aclfile,
                            std::generic_category().message(text.error().code)));
  }
  return parts_.engine.acl().LoadFile(*text, settings_.aclfile, caller);
}

bool UserFiles::HasFile(Context& ctx) const {
  if (!settings_.aclfile.empty()) return true;
  ctx.Error(
      "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the "
      "ACL "
      "SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in "
      "order to store users in the Redis configuration.");
  return false;
}

void UserFiles::LoadCommand(Context& ctx) {
  if (!HasFile(ctx)) return;
  if (const Status status = ReadFile(&ctx.client()); !status)
    return ctx.Error("ERR " + status.error().message);
  ctx.reply().Ok();
}

void UserFiles::SaveCommand(Context& ctx) {
  if (!HasFile(ctx)) return;
  std::string text;
  for (const std::string& line : parts_.engine.acl().users().Lines()) text += line + '\n';
  if (const Status status = env::ReplaceFile(parts_.disk, settings_.aclfile, text); !status) {
    parts_.log.Warning("Saving the ACL file: {}", status.error().message);
    return ctx.Error(
        "ERR There was an error trying to save the ACLs. Please check the server logs for more information");
  }
  ctx.reply().Ok();
}

void UserFiles::MakePassword(Context& ctx) {
  constexpr int64_t kBits = 256;
  constexpr int64_t kMaxBits = 4096;
  constexpr int kBitsPerDigit = 4;
  if (ctx.size() > 3) return ctx.WrongArgumentCount();
  int64_t bits = kBits;
  if (ctx.size() == 3) {
    const auto wanted = ctx.Integer(2);
    if (!wanted) return;
    if (*wanted <= 0 || *wanted > kMaxBits) {
      return ctx.Error(
          "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up "
          "to "
          "4096");
    }
    bits = *wanted;
  }
  std::vector<std::byte> random(static_cast<size_t>((bits + kBitsPerDigit - 1) / kBitsPerDigit));
  parts_.random.Fill(random);
  std::string password;
  for (const std::byte byte : random) password += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
  ctx.reply().Bulk(password);
}

}  // namespace hearth::server
