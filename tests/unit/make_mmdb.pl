#!/usr/bin/perl
# make_mmdb.pl FILE IP_VERSION RECORD_SIZE ALIASES(0|1) < lines of "PREFIX JSON-OBJECT"
use strict;
use warnings;
use B ();
use JSON::PP qw(decode_json);
use MaxMind::DB::Writer::Tree;

my ($file, $ip_version, $record_size, $aliases) = @ARGV;

sub type_of {
    my ($key, $value) = @_;
    return 'map' if ref $value eq 'HASH';
    return ['array', 'map'] if ref $value eq 'ARRAY';
    return B::svref_2object(\$value)->FLAGS & B::SVf_POK ? 'utf8_string' : 'uint32';
}

my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version               => $ip_version,
    record_size              => $record_size,
    alias_ipv6_to_ipv4       => $aliases,
    remove_reserved_networks => 0,
    database_type            => 'test',
    languages                => ['en'],
    description              => { en => 'test' },
    map_key_type_callback    => \&type_of,
);
while (my $line = <STDIN>) {
    my ($prefix, $record) = $line =~ /^(\S+)\s+(.*)$/ or die "not PREFIX JSON-OBJECT: $line";
    $tree->insert_network($prefix, decode_json($record));
}
open my $out, '>:raw', $file or die "$file: $!";
$tree->write_tree($out);
close $out or die "$file: $!";
