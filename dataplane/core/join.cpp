#include "dataplane/core/join.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <unordered_map>

#include "dataplane/core/dns_location.h"
#include "dataplane/core/join_classes.h"
#include "dataplane/core/join_referrals.h"
#include "dataplane/core/row_table.h"

namespace anytick::core {

Join::Join(const ZoneImage& image)
    : id_([] {
        static std::atomic<uint64_t> last = 0;
        return ++last;
      }()),
      names_(image) {}

AnswerRef Join::answer_for(const ReadyNode& node, uint16_t type) const {
  if (type == dns::A) return node.a;
  if (type == dns::AAAA) return node.aaaa;
  const ReadyType* first = types_.data() + node.first_type;
  for (const ReadyType* each = first; each != first + node.type_count; ++each)
    if (each->type == type) return each->answer;
  return node.other;
}

size_t Join::memory_bytes() const {
  size_t bytes = nodes_.size() * sizeof(ReadyNode) + types_.size() * sizeof(ReadyType) +
                 referrals_.size() * sizeof(Referral) + glue_.size() * sizeof(Glue) + sets_.size() * sizeof(ReadySet) +
                 rows_.size() * sizeof(uint32_t) + places_.size() * sizeof(RecordPlace) + wire_.size() +
                 slots_.size() * sizeof(DrawSlot) + before_.size() * sizeof(uint64_t) +
                 groups_.size() * sizeof(ReadyGroup) + names_.memory_bytes();
  for (const auto& classes : place_classes_) bytes += classes.size() * sizeof(PlaceClass);
  for (const auto& classes : overlay_classes_) bytes += classes.size() * sizeof(uint32_t);
  for (const auto& overlay : overlays_) bytes += overlay != nullptr ? overlay->memory_bytes() : 0;
  return bytes;
}

namespace {

/// Type, class, TTL and RDLENGTH.
constexpr size_t record_head_bytes = 10;

bool has_name_servers(std::span<const ImageNodeType> types) {
  return std::ranges::find(types, uint16_t{dns::NS}, &ImageNodeType::type) != types.end();
}

} // namespace

class JoinBuilder {
 public:
  JoinBuilder(const ZoneImage& image, const geo::Map* map)
      : image_(image), map_(map), finder_(image, map), join_(new Join(image)) {}

  Result<std::unique_ptr<const Join>> run() {
    if (join_->names_.is_crowded()) return Refusal{"zone image", "", "too many names that share a hash"};
    make_sets();
    join_->nodes_.resize(image_.nodes().size());
    for (uint32_t index = 0; index < image_.zones().size(); ++index)
      if (auto refusal = make_zone(index)) return *std::move(refusal);
    return std::unique_ptr<const Join>(std::move(join_));
  }

 private:
  using AnswerOfSelector = std::unordered_map<uint32_t, AnswerRef>;

  void make_sets();
  void make_records(const ImageRRset& from, ReadySet& set);
  void make_draw(const ImageRRset& from, ReadySet& set);

  std::optional<Refusal> make_zone(uint32_t index);
  void make_constants(const ZoneClasses& classes, AnswerOfSelector& answers);
  void make_group(const ZoneClasses& classes, ClassGroup group, const ReadyZone& zone, AnswerOfSelector& answers);
  bool make_rows(const ClassGroup& group, uint32_t number, AnswerOfSelector& answers);
  std::vector<PlaceClass> classes_of_places(const ZoneClasses& classes, const ClassGroup& group) const;
  void make_nodes(uint32_t zone_index, AnswerOfSelector& answers);
  void place_below_parent(uint32_t index);

  const ZoneImage& image_;
  const geo::Map* map_;
  ClassFinder finder_;
  std::optional<ReferralFinder> referrals_; ///< once there is a cut
  std::unique_ptr<Join> join_;
};

void JoinBuilder::make_sets() {
  size_t slots = 0, before = 0, records = 0, wire = 0;
  for (const ImageRRset& from : image_.rrsets()) {
    records += from.record_count;
    for (const ImageRecord& record : image_.records().subspan(from.first_record, from.record_count))
      wire += record_head_bytes + record.rdata.length;
    if (from.kind != static_cast<uint16_t>(AnswerKind::draw)) continue;
    slots += from.record_count;
    before += from.record_count + 1;
  }
  // Views point into these: they must not move.
  join_->slots_.reserve(slots);
  join_->before_.reserve(before);
  join_->sets_.reserve(image_.rrsets().size());
  join_->places_.reserve(records);
  join_->wire_.reserve(wire);
  for (const ImageRRset& from : image_.rrsets()) {
    ReadySet set{};
    set.type = from.type;
    set.kind = static_cast<AnswerKind>(from.kind);
    set.ttl = from.ttl;
    set.max_records = from.max_records;
    make_records(from, set);
    if (set.kind == AnswerKind::draw) make_draw(from, set);
    if (set.kind == AnswerKind::location) set.answer_bytes = 2 + location_record_max;
    join_->sets_.push_back(set);
  }
}

void JoinBuilder::make_records(const ImageRRset& from, ReadySet& set) {
  set.first_record = static_cast<uint32_t>(join_->places_.size());
  size_t sum = 0, largest = 0;
  for (const ImageRecord& record : image_.records().subspan(from.first_record, from.record_count)) {
    const auto rdata = image_.bytes_of(record.rdata);
    std::array<uint8_t, record_head_bytes> head;
    store_big16(&head[0], from.type);
    store_big16(&head[2], dns::IN);
    store_big32(&head[4], from.ttl);
    store_big16(&head[8], static_cast<uint16_t>(rdata.size()));
    join_->places_.push_back(
        {static_cast<uint32_t>(join_->wire_.size()), static_cast<uint32_t>(head.size() + rdata.size())});
    join_->wire_.insert(join_->wire_.end(), head.begin(), head.end());
    join_->wire_.insert(join_->wire_.end(), rdata.begin(), rdata.end());
    const size_t size = 2 + head.size() + rdata.size();
    sum += size;
    largest = std::max(largest, size);
  }
  set.answer_bytes = static_cast<uint32_t>(set.kind == AnswerKind::draw ? largest * set.max_records : sum);
}

void JoinBuilder::make_draw(const ImageRRset& from, ReadySet& set) {
  std::vector<uint32_t> weights, values;
  for (const ImageRecord& record : image_.records().subspan(from.first_record, from.record_count)) {
    weights.push_back(record.weight);
    values.push_back(from.type == dns::A ? load<uint32_t>(image_.bytes_of(record.rdata).data())
                                         : static_cast<uint32_t>(values.size()));
  }
  const size_t slot_at = join_->slots_.size(), before_at = join_->before_.size();
  join_->slots_.resize(slot_at + weights.size());
  join_->before_.resize(before_at + weights.size() + 1);
  build_draw(weights, values, std::span(join_->slots_).subspan(slot_at), std::span(join_->before_).subspan(before_at));
  set.draw = {join_->slots_.data() + slot_at, join_->before_.data() + before_at, from.record_count};
}

std::optional<Refusal> JoinBuilder::make_zone(uint32_t index) {
  const ImageZone& zone = image_.zones()[index];
  Result<ZoneClasses> classes = finder_.find(zone);
  if (!classes) return classes.refusal();

  const ImageRRset& soa = image_.rrsets()[zone.soa];
  const auto rdata = image_.bytes_of(image_.records()[soa.first_record].rdata);
  ReadyZone ready{};
  ready.soa = zone.soa;
  ready.negative_ttl = std::min(soa.ttl, load_big32(rdata.data() + rdata.size() - 4));
  ready.apex_length = static_cast<uint8_t>(image_.nodes()[zone.first_node].name.length);
  ready.first_group = static_cast<uint32_t>(join_->groups_.size());
  ready.overlay = classes->overlay.get();

  size_t cells = join_->rows_.size();
  for (const ClassGroup& group : classes->groups) cells += group.cells.size();
  if (cells > AnswerRef::rows_max) return Refusal{"zone image", "", "answers differ in too many ways between places"};
  join_->rows_.reserve(cells);

  AnswerOfSelector answers;
  make_constants(*classes, answers);
  join_->class_counts_.push_back(0);
  for (ClassGroup& group : classes->groups) make_group(*classes, std::move(group), ready, answers);
  if (classes->overlay != nullptr) join_->overlays_.push_back(std::move(classes->overlay));
  join_->zones_.push_back(ready);
  make_nodes(index, answers);
  return {};
}

void JoinBuilder::make_constants(const ZoneClasses& classes, AnswerOfSelector& answers) {
  for (const uint32_t selector : classes.constants) {
    const ImageEntry* entry = &image_.entries()[image_.selectors()[selector].first_entry];
    while (entry->is_alias != 0) entry = &image_.entries()[image_.selectors()[entry->index].first_entry];
    answers[selector] = AnswerRef::rrset(entry->index);
  }
}

/// Nothing is made of a group whose selectors all turn out to yield the same for everybody.
void JoinBuilder::make_group(const ZoneClasses& classes, ClassGroup group, const ReadyZone& zone,
                             AnswerOfSelector& answers) {
  const auto number = static_cast<uint32_t>(join_->groups_.size()) - zone.first_group;
  if (!make_rows(group, number, answers)) return;
  ReadyGroup ready{};
  ready.kinds = group.kinds;
  ready.classes = join_->place_classes_.emplace_back(classes_of_places(classes, group)).data();
  if ((group.kinds & kind_address) != 0) {
    ready.overlay = classes.overlay.get();
    ready.overlay_classes = join_->overlay_classes_.emplace_back(std::move(group.overlay_classes)).data();
    ready.place_numbers = group.place_numbers;
  }
  join_->groups_.push_back(ready);
  join_->class_counts_.back() += group.class_count;
}

/// A row for each selector that yields different RRsets to different classes. False if none does.
bool JoinBuilder::make_rows(const ClassGroup& group, uint32_t number, AnswerOfSelector& answers) {
  const size_t begin = join_->rows_.size();
  RowTable rows(join_->rows_, group.class_count);
  std::vector<uint32_t> row(group.class_count);
  for (size_t i = 0; i < group.selectors.size(); ++i) {
    for (uint32_t each = 0; each < group.class_count; ++each)
      row[each] = group.cells[each * group.selectors.size() + i];
    const bool alike = std::all_of(row.begin(), row.end(), [&](uint32_t cell) { return cell == row[0]; });
    AnswerRef& answer = answers[group.selectors[i]];
    answer = alike ? AnswerRef::rrset(row[0])
                   : AnswerRef::row(number, static_cast<uint32_t>(rows.place_of(rows.index_of(row))));
  }
  return join_->rows_.size() > begin;
}

std::vector<PlaceClass> JoinBuilder::classes_of_places(const ZoneClasses& classes, const ClassGroup& group) const {
  static constexpr std::array<geo::Place, 1> nowhere{};
  std::vector<PlaceClass> numbers;
  const auto places = map_ != nullptr ? map_->places() : std::span<const geo::Place>(nowhere);
  numbers.reserve(places.size());
  for (const geo::Place& place : places) {
    uint8_t scope = 0;
    for (size_t level = 0; level < geo::level_count; ++level)
      if ((group.kinds & kind_of(static_cast<geo::Level>(level))) != 0) scope = std::max(scope, place.length[level]);
    const uint32_t signature = classes.signature_of_location[place.location];
    numbers.push_back({uint32_t{scope} << 24 | group.number_of_signature[signature]});
  }
  return numbers;
}

void JoinBuilder::make_nodes(uint32_t zone_index, AnswerOfSelector& answers) {
  const ImageZone& zone = image_.zones()[zone_index];
  for (uint32_t index = zone.first_node; index < zone.first_node + zone.node_count; ++index) {
    const ImageNode& from = image_.nodes()[index];
    ReadyNode& node = join_->nodes_[index];
    node.zone = static_cast<uint16_t>(zone_index);
    node.first_type = static_cast<uint32_t>(join_->types_.size());
    const auto types = image_.node_types().subspan(from.first_type, from.type_count);
    if (!types.empty() && types[0].type == 0) node.a = node.aaaa = node.other = answers[types[0].selector];
    for (const ImageNodeType& type : types) {
      const AnswerRef answer = answers[type.selector];
      if (type.type == dns::A) node.a = answer;
      if (type.type == dns::AAAA) node.aaaa = answer;
      if (type.type != 0) join_->types_.push_back({type.type, answer});
    }
    node.type_count = static_cast<uint16_t>(join_->types_.size() - node.first_type);
    if (index != zone.first_node) place_below_parent(index);
    if (index != zone.first_node && node.cut == ReadyNode::none && has_name_servers(types)) {
      node.cut = static_cast<uint32_t>(join_->referrals_.size());
      if (!referrals_) referrals_.emplace(image_, join_->names_);
      referrals_->add(zone, index, join_->sets_, join_->places_, join_->referrals_, join_->glue_);
    }
  }
}

/// Tells a node's parent of a wildcard, and a node of the cut above it.
void JoinBuilder::place_below_parent(uint32_t index) {
  FoldedName name;
  if (!read_name(image_.bytes_of(image_.nodes()[index].name), name)) return;
  const uint32_t parent = join_->names_.find(hash_name(name, 1), name.suffix(1));
  join_->nodes_[index].cut = join_->nodes_[parent].cut;
  const bool is_wildcard = name.bytes[0] == 1 && name.bytes[1] == '*';
  if (is_wildcard) join_->nodes_[parent].wildcard = index;
}

Result<std::unique_ptr<const Join>> Join::build(const ZoneImage& image, const geo::Map* map) {
  if (image.zones().size() > UINT16_MAX) return Refusal{"zone image", "", "more than 65,535 zones"};
  return JoinBuilder(image, map).run();
}

} // namespace anytick::core
