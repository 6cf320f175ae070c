#include "tests/unit/mutant.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "geo/table_digest.h"

namespace anytick::test {

namespace {

size_t below(std::mt19937_64& random, size_t bound) {
  return static_cast<size_t>(random() % bound);
}

std::vector<std::byte> random_bytes(std::mt19937_64& random, size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

} // namespace

Mutant::Mutant(TableForm form, std::span<const std::byte> good, std::span<const std::byte> other)
    : form_(std::move(form)), good_(good), other_(other) {}

void Mutant::make(std::mt19937_64& random, bool seal) {
  restore();
  switch (random() % 16) {
  case 0:
    cut_or_append(random);
    break;
  case 1:
  case 2:
    rearrange(random);
    break;
  case 3:
    splice_bytes(random);
    break;
  default:
    for (uint64_t changes = 1 + random() % 3 / 2; changes > 0; --changes) change_field(random);
  }
  if (seal && size_ >= form_.header_bytes) put(form_.digest_at, geo::table_digest(bytes(), form_.digest_at));
}

bool Mutant::is_changed() const {
  if (is_resized_) return size_ != good_.size() || std::memcmp(bytes_.get(), good_.data(), size_) != 0;
  return std::any_of(edits_.begin(), edits_.end(), [&](const Edit& edit) {
    return std::memcmp(bytes_.get() + edit.at, good_.data() + edit.at, edit.before.size()) != 0;
  });
}

/// A map has megabytes, of which a mutant rarely changes more than a few bytes: those are put back.
void Mutant::restore() {
  if (std::exchange(is_resized_, false)) {
    resize(good_.size());
    is_resized_ = false;
  }
  for (; !edits_.empty(); edits_.pop_back())
    std::copy(edits_.back().before.begin(), edits_.back().before.end(), bytes_.get() + edits_.back().at);
  history_.clear();
}

/// As much of the good table as has room, then zeros.
void Mutant::resize(size_t size) {
  edits_.clear();
  bytes_ = std::make_unique<std::byte[]>(size);
  size_ = size;
  std::copy_n(good_.begin(), std::min(size, good_.size()), bytes_.get());
  is_resized_ = true;
}

void Mutant::edit(size_t at, std::span<const std::byte> bytes) {
  if (!is_resized_) edits_.push_back({at, {bytes_.get() + at, bytes_.get() + at + bytes.size()}});
  std::copy(bytes.begin(), bytes.end(), bytes_.get() + at);
}

void Mutant::note(const std::string& what) {
  history_ += (history_.empty() ? "" : ", ") + what;
}

Mutant::Section Mutant::section_of(std::span<const std::byte> table, size_t index) const {
  Section section;
  std::memcpy(&section, table.data() + form_.sections_at + index * sizeof section, sizeof section);
  return section;
}

std::span<const std::byte> Mutant::elements_of(std::span<const std::byte> table, size_t index) const {
  const Section section = section_of(table, index);
  return table.subspan(section.offset, section.count * form_.element_bytes[index]);
}

size_t Mutant::any_place(std::mt19937_64& random) const {
  const size_t last = good_.size() - 8;
  const size_t section = below(random, form_.element_bytes.size() + 1);
  if (section == form_.element_bytes.size()) return below(random, form_.header_bytes - 8);
  const auto elements = elements_of(good_, section);
  if (elements.empty()) return below(random, last + 1);
  return std::min(section_of(good_, section).offset + below(random, elements.size()), last);
}

/// Where arithmetic goes wrong, and numbers that are good somewhere in this table.
uint64_t Mutant::any_value(std::mt19937_64& random) const {
  constexpr uint64_t extremes[] = {0,
                                   1,
                                   2,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x10000,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x01000000,
                                   0x01ffffff,
                                   INT64_MAX - 7u,
                                   uint64_t{1} << 63,
                                   UINT64_MAX};
  const Section section = section_of(good_, below(random, form_.element_bytes.size()));
  const uint64_t sizes[] = {good_.size(), section.offset, section.count, section.count * 2,
                            random() % (section.count + 1)};
  const uint64_t value =
      random() % 2 == 0 ? extremes[below(random, std::size(extremes))] : sizes[below(random, std::size(sizes))];
  return value + random() % 3 - 1;
}

void Mutant::change_field(std::mt19937_64& random) {
  const size_t at = any_place(random);
  const size_t width = size_t{2} << below(random, 3);
  const size_t field = at / width * width;
  uint64_t value = 0;
  switch (random() % 6) {
  case 0:
    note("bit at " + std::to_string(at));
    return put(at, bytes_[at] ^ static_cast<std::byte>(1u << random() % 8));
  case 1:
    note("byte at " + std::to_string(at));
    return put(at, static_cast<std::byte>(random()));
  case 2:
    std::memcpy(&value, &bytes_[field], width);
    value += random() % 2 == 0 ? 1 : UINT64_MAX;
    break;
  case 3:
    std::memcpy(&value, &bytes_[any_place(random) / width * width], width);
    break;
  default:
    value = any_value(random);
  }
  note(std::to_string(8 * width) + " bits at " + std::to_string(field) + " = " + std::to_string(value));
  edit(field, std::as_bytes(std::span(&value, 1)).first(width));
}

/// Bytes of the other table over those of a section.
void Mutant::splice_bytes(std::mt19937_64& random) {
  const size_t section = below(random, form_.element_bytes.size());
  const auto from = elements_of(other_, section);
  const auto to = elements_of(good_, section);
  const size_t unit = form_.element_bytes[section];
  const size_t most = std::min(from.size(), to.size()) / unit;
  if (most == 0) return change_field(random);
  const size_t count = 1 + below(random, std::min<size_t>(most, 64));
  const size_t first = below(random, from.size() / unit - count + 1) * unit;
  const size_t at = section_of(good_, section).offset + below(random, to.size() / unit - count + 1) * unit;
  note("splice of " + std::to_string(count) + " elements at " + std::to_string(at));
  edit(at, from.subspan(first, count * unit));
}

void Mutant::cut_or_append(std::mt19937_64& random) {
  size_t size = good_.size();
  if (random() % 2 == 0) {
    size = random() % 4 == 0 ? below(random, form_.header_bytes + 64) : below(random, size);
    resize(size);
  } else {
    const size_t more = 1 + below(random, 64);
    resize(size + more);
    if (random() % 2 == 0) edit(size, random_bytes(random, more));
  }
  note("size " + std::to_string(size_));
  if (random() % 2 == 0 && size_ >= form_.header_bytes) put(form_.total_bytes_at, uint64_t{size_});
}

/// Elements taken out, put in or taken from the other table, under a header that is right about all of them.
void Mutant::rearrange(std::mt19937_64& random) {
  std::vector<std::vector<std::byte>> sections;
  for (size_t i = 0; i < form_.element_bytes.size(); ++i) {
    const auto elements = elements_of(good_, i);
    sections.emplace_back(elements.begin(), elements.end());
  }
  const size_t which = below(random, sections.size());
  std::vector<std::byte>& section = sections[which];
  const size_t unit = form_.element_bytes[which];
  const size_t count = section.size() / unit;
  const size_t at = below(random, count + 1);
  const size_t few = 1 + below(random, 4);
  const auto position = section.begin() + static_cast<std::ptrdiff_t>(at * unit);
  const auto other = elements_of(other_, which);
  switch (random() % 3) {
  case 0: {
    const size_t gone = std::min(few, count - at) * unit;
    section.erase(position, position + static_cast<std::ptrdiff_t>(gone));
    break;
  }
  case 1: {
    const std::vector<std::byte> fresh =
        random() % 2 == 0 ? random_bytes(random, few * unit) : std::vector<std::byte>(few * unit);
    section.insert(position, fresh.begin(), fresh.end());
    break;
  }
  default:
    section.assign(other.begin(), other.end());
  }
  lay_out(sections);
  note("section " + std::to_string(which) + " of " + std::to_string(section.size() / unit) + " elements, at " +
       std::to_string(at));
}

void Mutant::lay_out(const std::vector<std::vector<std::byte>>& sections) {
  const auto aligned = [](size_t size) { return (size + 7) / 8 * 8; };
  size_t end = form_.header_bytes;
  std::vector<Section> places;
  for (size_t i = 0; i < sections.size(); ++i) {
    places.push_back({aligned(end), sections[i].size() / form_.element_bytes[i]});
    end = places.back().offset + sections[i].size();
  }
  resize(form_.padded_end ? aligned(end) : end);
  std::fill(bytes_.get() + form_.header_bytes, bytes_.get() + size_, std::byte{0});
  for (size_t i = 0; i < sections.size(); ++i) edit(places[i].offset, sections[i]);
  edit(form_.sections_at, std::as_bytes(std::span(places)));
  put(form_.total_bytes_at, uint64_t{size_});
}

} // namespace anytick::test
