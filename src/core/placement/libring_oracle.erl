%% Who owns what on libring's ring, as an OTP node computes it. Run by libring_test.cpp as
%%   erl -noshell -eval '... libring_oracle:main(Out)'
%% Out: two lines for each ring: the indices (from 0) of the owners of names, and of other terms.
-module(libring_oracle).
-export([main/1, golden/0]).

main(Out) ->
    ok = file:write_file(Out, [[owners(Nodes, keys(400)), $\n, owners(Nodes, terms(400)), $\n] || Nodes <- rings()]).

%% The tables in the test: erl -noshell -eval 'libring_oracle:golden(), halt().'
golden() ->
    [io:format("~s ~s~n", [owners(Nodes, keys(40)), owners(Nodes, terms(40))]) || Nodes <- rings()].

%% Node and number of points.
rings() ->
    [[{node_name(I), 128} || I <- lists:seq(1, 5)],
     [{node_name(I), 64 * I} || I <- lists:seq(1, 3)],
     [{node_name(I), 128} || I <- lists:seq(1, 9)]].

node_name(I) -> list_to_atom("n" ++ integer_to_list(I) ++ "@host").

%% Binaries and atoms in turn; every tenth atom with a letter beyond ASCII.
keys(N) -> [key(I) || I <- lists:seq(0, N - 1)].
key(I) when I rem 2 =:= 0 -> list_to_binary("child/" ++ integer_to_list(I));
key(I) when I rem 10 =:= 9 -> list_to_atom("kind_\x{e4}" ++ integer_to_list(I));
key(I) -> list_to_atom("child_" ++ integer_to_list(I)).

terms(N) -> [term(I rem 5, I) || I <- lists:seq(0, N - 1)].
term(0, I) -> {user, I};
term(1, I) -> I * 1000003;
term(2, I) -> "room" ++ integer_to_list(I);
term(3, I) -> {'Elixir.MyApp.ServiceMonitor', {10, 0, 0, I rem 256}, I / 2};
term(4, I) -> #{kind => <<"device">>, number => I, 1 => [a | b]}.

owners(Nodes, Keys) ->
    Range = (1 bsl 32) - 1,
    Points = lists:ukeysort(1, [{erlang:phash2({Node, I}, Range), Node} || {Node, Count} <- Nodes, I <- lists:seq(1, Count)]),
    Index = maps:from_list(lists:zip([Node || {Node, _} <- Nodes], lists:seq(0, length(Nodes) - 1))),
    [integer_to_list(maps:get(owner(Points, erlang:phash2(hashed(Key), Range)), Index)) || Key <- Keys].

hashed(Key) when is_atom(Key) -> term_to_binary(Key);
hashed(Key) -> Key.

owner(Points, Hash) ->
    case lists:dropwhile(fun({Place, _}) -> Place < Hash end, Points) of
        [{_, Node} | _] -> Node;
        [] -> element(2, hd(Points))
    end.
