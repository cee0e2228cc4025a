%% Erlang itself as the judge of brood's term codec. Run by oracle_test.cpp as
%%   erl -noshell -eval '... oracle:main(In, Out)'
%% In: records of a 4-byte length and an encoded term, written by brood.
%% Out: for each of them 1 byte and, with a 4-byte length, Erlang's own encoding of what it read; then the
%% records that generated() makes, for brood to read.
-module(oracle).
-export([main/2, order/2, text/2, phash2/2]).

main(In, Out) ->
    {ok, Bytes} = file:read_file(In),
    Answers = [answer(B) || B <- split(Bytes)],
    ok = file:write_file(Out, [Answers, [record(encode(T)) || T <- generated()]]).

%% As distribution does from OTP 26 on: atoms in UTF-8.
encode(Term) -> term_to_binary(Term, [{minor_version, 2}]).

split(<<Size:32, One:Size/binary, Rest/binary>>) -> [One | split(Rest)];
split(<<>>) -> [].

record(Binary) -> [<<(byte_size(Binary)):32>>, Binary].

answer(Binary) ->
    try binary_to_term(Binary) of
        Term -> record(encode(Term))
    catch
        _:_ -> record(<<>>)
    end.

%% The indexes (from 0) of the terms in Erlang's order, 4 bytes each. Terms that Erlang holds equal (1 and
%% 1.0) keep the order they came in.
order(In, Out) ->
    {ok, Bytes} = file:read_file(In),
    Terms = [binary_to_term(B) || B <- split(Bytes)],
    Numbered = lists:zip(Terms, lists:seq(0, length(Terms) - 1)),
    Sorted = lists:sort(fun({A, _}, {B, _}) -> A =< B end, Numbered),
    ok = file:write_file(Out, [<<I:32>> || {_, I} <- Sorted]).

%% In: pairs of records, a text in Erlang syntax and an encoded term. Out: a byte each, 1 where Erlang's own
%% parser makes that term of that text.
text(In, Out) ->
    {ok, Bytes} = file:read_file(In),
    ok = file:write_file(Out, pairs(split(Bytes))).

pairs([Text, Term | Rest]) -> [same(Text, Term) | pairs(Rest)];
pairs([]) -> [].

same(Text, Encoded) ->
    Term = binary_to_term(Encoded),
    try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(<<Text/binary, ". ">>)),
        {ok, Term} = erl_parse:parse_term(Tokens),
        1
    catch
        _:_ -> 0
    end.

%% In: encoded terms. Out: of each its erlang:phash2 in 4 bytes.
phash2(In, Out) ->
    {ok, Bytes} = file:read_file(In),
    ok = file:write_file(Out, [<<(erlang:phash2(binary_to_term(B), 1 bsl 32)):32>> || B <- split(Bytes)]).

generated() ->
    rand:seed(exsss, {1, 2, 3}),
    Fixed = [self(), make_ref(), fun lists:map/2, hd(erlang:ports()), closure(7), [], {}, #{}, <<>>, <<1:3>>, '',
             -(1 bsl 63), 1 bsl 63, (1 bsl 64) - 1, 1 bsl 4000, -(1 bsl 4000), 0.0, 1.0e308, -4.9e-324, "string",
             lists:seq(0, 255), lists:seq(0, 256), lists:duplicate(70000, 1), [a | b],
             list_to_atom(lists:duplicate(255, 16#20AC)), maps:from_list([{I, I} || I <- lists:seq(1, 100)]),
             list_to_tuple(lists:seq(1, 300))],
    Fixed ++ [random(4) || _ <- lists:seq(1, 3000)].

closure(X) -> fun(Y) -> {X, Y, self()} end.

random(0) -> leaf(rand:uniform(9));
random(Depth) ->
    case rand:uniform(14) of
        10 -> list_to_tuple(many(Depth));
        11 -> many(Depth);
        12 -> many(Depth) ++ random(Depth - 1);
        13 -> maps:from_list([{random(Depth - 1), random(0)} || _ <- lists:seq(1, rand:uniform(4))]);
        14 -> maps:from_list([{random(0), random(0)} || _ <- lists:seq(1, rand:uniform(50))]);
        Leaf -> leaf(Leaf)
    end.

many(Depth) -> [random(Depth - 1) || _ <- lists:seq(1, rand:uniform(5) - 1)].

leaf(1) -> rand:uniform(300) - 20;
leaf(2) -> rand:uniform(1 bsl 62) bsr (rand:uniform(62) - 1);
leaf(3) -> (rand:uniform(1 bsl 200) - (1 bsl 199)) bsr (rand:uniform(200) - 1);
leaf(4) -> rand:normal() * math:pow(10, rand:uniform(600) - 300);
leaf(5) -> list_to_atom([rand:uniform(26) + 96 || _ <- lists:seq(1, rand:uniform(10))]);
leaf(6) -> rand:bytes(rand:uniform(20));
leaf(7) -> <<(rand:uniform(1 bsl 13) - 1):13>>;
leaf(8) -> binary_to_list(rand:bytes(rand:uniform(20)));
leaf(9) -> [].
