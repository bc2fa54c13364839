// SPDX-License-Identifier: Apache-2.0
#include "state/redo/redo_record.h"

#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"

namespace trident {
namespace {

// Where Finish() puts what is known only then.
constexpr size_t kSectionCountAt = 52;
// Where EndSection() puts them, from the start of the section's header.
constexpr size_t kChangeCountAt = 12;
constexpr size_t kLengthAt = 16;

void PutAttempt(std::string& out, const Attempt& attempt) {
  PutFixed64(out, attempt.epoch.value());
  PutFixed32(out, attempt.counter);
}
Attempt ReadAttempt(ByteReader& in) {
  const Epoch epoch(in.Fixed64());
  return {epoch, in.Fixed32()};
}

template <class Number>
void Patch(std::string& out, size_t at, Number v) {
  std::memcpy(out.data() + at, &v, sizeof v);
}

std::string Subject(std::string_view bytes) {
  return Concat("redo record of ", bytes.size(), " bytes is damaged: ");
}

// Magic and checksum stand at the same places in every version, so that damage is told from
// novelty.
Status CheckEnvelope(std::string_view bytes) {
  if (bytes.size() < kRedoHeaderBytes + kRedoChecksumBytes) {
    return DataLoss(Subject(bytes), "expected at least ", kRedoHeaderBytes + kRedoChecksumBytes,
                    " bytes");
  }
  ByteReader in(bytes);
  if (const uint32_t magic = in.Fixed32(); magic != kRedoMagic) {
    return DataLoss(Subject(bytes), "expected the magic number ", kRedoMagic, " at byte 0, found ",
                    magic);
  }
  const std::string_view sealed = bytes.substr(0, bytes.size() - kRedoChecksumBytes);
  const uint64_t stored = ByteReader(bytes.substr(sealed.size())).Fixed64();
  if (const uint64_t computed = HashBytes(sealed); computed != stored) {
    return DataLoss(Subject(bytes), "its checksum at byte ", sealed.size(), " is ", stored,
                    ", but its content gives ", computed);
  }
  if (const uint32_t version = in.Fixed32(); version != kRedoVersion) {
    return FailedPrecondition("redo record has version ", version, ", this program reads version ",
                              kRedoVersion, ": use the release that wrote it");
  }
  return {};
}

StatusOr<RedoSection> ReadSection(ByteReader& in, std::string_view record, size_t at) {
  RedoSection section;
  section.id.kind = static_cast<RedoSectionId::Kind>(in.Fixed32());
  section.id.owner = in.Fixed32();
  section.id.partition = PartitionId(in.Fixed32());
  section.count = in.Fixed32();
  const uint64_t length = in.Fixed64();
  if (!in.ok()) return DataLoss(Subject(record), "it ends inside the section at byte ", at);
  if (section.id.kind != RedoSectionId::Kind::kState &&
      section.id.kind != RedoSectionId::Kind::kSink) {
    return DataLoss(Subject(record), "the section at byte ", at, " has the unknown kind ",
                    static_cast<uint32_t>(section.id.kind));
  }
  section.bytes = in.Bytes(length);
  if (!in.ok()) {
    return DataLoss(Subject(record), "the section at byte ", at, " claims ", length,
                    " bytes, more than are left");
  }
  return section;
}

}  // namespace

RedoRecordBuilder::RedoRecordBuilder(const RedoHeader& header, std::string buffer)
    : record_(std::move(buffer)) {
  record_.clear();
  PutFixed32(record_, kRedoMagic);
  PutFixed32(record_, kRedoVersion);
  PutFixed32(record_, header.group.value());
  PutFixed64(record_, header.txid.value());
  PutAttempt(record_, header.attempt);
  PutAttempt(record_, header.previous);
  PutFixed64(record_, 0);  // kept for later; must be 0
  PutFixed32(record_, 0);  // the number of sections
  TRIDENT_CHECK_EQ(record_.size(), kRedoHeaderBytes);
}

std::string& RedoRecordBuilder::BeginSection(const RedoSectionId& id) {
  TRIDENT_CHECK_EQ(open_section_, 0u) << "the section before is still open";
  open_section_ = record_.size();
  PutFixed32(record_, static_cast<uint32_t>(id.kind));
  PutFixed32(record_, id.owner);
  PutFixed32(record_, id.partition.value());
  record_.append(kRedoSectionHeaderBytes - kChangeCountAt, '\0');
  return record_;
}

void RedoRecordBuilder::EndSection(uint32_t count) {
  TRIDENT_CHECK_NE(open_section_, 0u) << "no section is open";
  const size_t content = open_section_ + kRedoSectionHeaderBytes;
  TRIDENT_CHECK_GE(record_.size(), content) << "a section's writer may only append";
  Patch(record_, open_section_ + kChangeCountAt, count);
  Patch(record_, open_section_ + kLengthAt, static_cast<uint64_t>(record_.size() - content));
  open_section_ = 0;
  ++sections_;
  changes_ += count;
}

void RedoRecordBuilder::AddSection(const RedoSectionId& id, uint32_t count,
                                   std::string_view bytes) {
  BeginSection(id).append(bytes);
  EndSection(count);
}

std::string RedoRecordBuilder::Finish() && {
  TRIDENT_CHECK_EQ(open_section_, 0u) << "a section is still open";
  Patch(record_, kSectionCountAt, sections_);
  PutFixed64(record_, HashBytes(record_));
  return std::move(record_);
}

uint64_t RedoChecksum(std::string_view record) {
  TRIDENT_CHECK_GE(record.size(), kRedoChecksumBytes);
  return ByteReader(record.substr(record.size() - kRedoChecksumBytes)).Fixed64();
}

StatusOr<RedoRecord> ParseRedoRecord(std::string_view bytes) {
  TRIDENT_RETURN_IF_ERROR(CheckEnvelope(bytes));
  const size_t end = bytes.size() - kRedoChecksumBytes;
  ByteReader in(bytes.substr(0, end));
  in.Fixed64();  // magic and version
  RedoRecord record;
  record.header.group = GroupId(in.Fixed32());
  record.header.txid = TxId(in.Fixed64());
  record.header.attempt = ReadAttempt(in);
  record.header.previous = ReadAttempt(in);
  const uint64_t kept = in.Fixed64();
  const uint64_t sections = in.Fixed32();
  if (kept != 0) return DataLoss(Subject(bytes), "expected 0 at byte 44, found ", kept);
  if (sections > in.remaining() / kRedoSectionHeaderBytes) {
    return DataLoss(Subject(bytes), "its header claims ", sections, " sections, more than fit");
  }
  record.sections.reserve(sections);
  for (uint64_t i = 0; i < sections; ++i) {
    TRIDENT_ASSIGN_OR_RETURN(RedoSection section, ReadSection(in, bytes, end - in.remaining()));
    record.sections.push_back(section);
  }
  if (!in.done()) {
    return DataLoss(Subject(bytes), in.remaining(), " bytes follow its ", sections, " sections");
  }
  return record;
}

StatusOr<RedoRecord> ParseRedoRecordOf(GroupId group, TxId txid, std::string_view bytes) {
  TRIDENT_ASSIGN_OR_RETURN(RedoRecord record, ParseRedoRecord(bytes));
  if (record.header.group != group || record.header.txid != txid) {
    return DataLoss("under the redo key of group ", group.value(), ", txid ", txid.value(),
                    " stands the record of group ", record.header.group.value(), ", txid ",
                    record.header.txid.value());
  }
  return record;
}

}  // namespace trident
