%% The Erlang half of the harness: evaluates what Python sends on standard input and answers on standard
%% output, and holds the loops that must be tight (races, callers at work).
%%
%% A request is a line `ID EXPRESSION.`; the answer is `ID ok BASE64` or `ID error BASE64` of the term, in
%% external format. Each request runs in a process of its own, so slow ones hold up nobody.
-module(brood_driver).
-export([main/0, request/2, request/3, specs/4, bulk/6, same_id_race/6, start_stop_race/5, callers/5,
         callers_stop/1, call_all/5, registry/2, monitor_wait/2, latency/3, idle/1, watch_nodes/1, watched/1,
         writers/6, writers_stop/1]).

main() ->
    Out = spawn_link(fun() -> out() end),
    io:setopts(standard_io, [{encoding, latin1}]),
    Out ! {line, "ready"},
    loop(Out).

out() ->
    receive
        {line, Line} -> io:put_chars([Line, $\n]), out();
        {last, From} -> From ! done
    end.

loop(Out) ->
    case io:get_line("") of
        eof -> erlang:halt(0, [{flush, false}]);
        {error, _} -> erlang:halt(1, [{flush, false}]);
        Line ->
            {Id, Rest} = lists:splitwith(fun(C) -> C =/= $\s end, Line),
            spawn(fun() -> answer(Out, Id, Rest) end),
            loop(Out)
    end.

answer(Out, Id, Text) ->
    {Kind, Value} =
        try
            {ok, Tokens, _} = erl_scan:string(Text),
            {ok, Exprs} = erl_parse:parse_exprs(Tokens),
            {value, V, _} = erl_eval:exprs(Exprs, erl_eval:new_bindings()),
            {"ok", V}
        catch
            Class:Reason:Stack -> {"error", {Class, Reason, Stack}}
        end,
    Data = base64:encode(term_to_binary(Value)),
    Out ! {line, [Id, $\s, Kind, $\s, Data]}.

%% gen_server:call to a brood node; an exit becomes {exit, Reason}.
request(Node, Request) -> request(Node, Request, 30000).
request(Node, Request, Timeout) ->
    try gen_server:call({brood, Node}, Request, Timeout)
    catch exit:{Reason, _} -> {exit, Reason}; exit:Reason -> {exit, Reason}
    end.

name(Prefix, N) -> iolist_to_binary([Prefix, integer_to_list(N)]).

specs(Prefix, From, To, Start) ->
    [#{id => name(Prefix, N), start => Start, restart => permanent} || N <- lists:seq(From, To)].

%% One start_children call. {Milliseconds, Answer without the long lists}.
bulk(Node, Sup, Prefix, Count, Start, Timeout) ->
    Specs = specs(Prefix, 1, Count, Start),
    T0 = erlang:monotonic_time(millisecond),
    Answer = request(Node, {start_children, Sup, Specs, #{timeout => Timeout}}, Timeout + 5000),
    Ms = erlang:monotonic_time(millisecond) - T0,
    case Answer of
        {ok, #{status := Status, started := Started} = Map} ->
            {Ms, {ok, Status, length_of(Started), first(maps:get(errors, Map, []))}};
        Other -> {Ms, Other}
    end.

%% Writers that increment counters without pause, each a set of ids of its own, through calls by id ({call, ...}) or
%% with plain gen_server:call to the pid that whereis names, {crashes, How}: as How, where nodes crash, and an
%% increment may have happened that nobody was told of. writers_stop: {Increments that were answered, by id;
%% answers that did not follow the one before; calls that failed, a few}.
writers(Nodes, Sup, Prefix, Count, Writers, How) ->
    spawn(fun() ->
        Self = self(),
        Sets = [[name(Prefix, N) || N <- lists:seq(W, Count, Writers)] || W <- lists:seq(1, Writers)],
        Pids = [spawn_link(fun() -> writer(Self, list_to_tuple(Nodes), Sup, Set, Set, How, {#{}, [], []}) end) ||
                   Set <- Sets],
        receive
            {stop, From} ->
                [P ! stop || P <- Pids],
                All = [receive {P, R} -> R end || P <- Pids],
                From ! {self(), {maps:to_list(lists:foldl(fun({M, _, _}, S) -> maps:merge(S, M) end, #{}, All)),
                                 lists:sublist(lists:append([B || {_, B, _} <- All]), 2000),
                                 lists:sublist(lists:append([F || {_, _, F} <- All]), 20)}}
        end
    end).

writer(Parent, Nodes, Sup, All, [], How, State) -> writer(Parent, Nodes, Sup, All, All, How, State);
writer(Parent, Nodes, Sup, All, [Id | Ids], How, {Acks, Bad, Failed}) ->
    receive
        stop -> Parent ! {self(), {Acks, Bad, Failed}}
    after 0 ->
        Before = maps:get(Id, Acks, 0),
        case increment(element(rand:uniform(tuple_size(Nodes)), Nodes), Sup, Id, How) of
            {ok, N} when N =:= Before + 1 -> writer(Parent, Nodes, Sup, All, Ids, How, {Acks#{Id => N}, Bad, Failed});
            {ok, N} when is_integer(N), N > Before, is_tuple(How) ->
                writer(Parent, Nodes, Sup, All, Ids, How, {Acks#{Id => N}, Bad, Failed});
            {ok, N} ->
                Said = iolist_to_binary(io_lib:format("~s: ~p after ~p", [Id, N, Before])),
                writer(Parent, Nodes, Sup, All, Ids, How, {Acks#{Id => N}, [Said | Bad], Failed});
            Error ->
                Said = iolist_to_binary(io_lib:format("~s: ~200p", [Id, Error])),
                is_tuple(How) andalso timer:sleep(20),
                writer(Parent, Nodes, Sup, All, Ids, How, {Acks, Bad, [Said | Failed]})
        end
    end.

increment(Node, Sup, Id, {crashes, How}) -> increment(Node, Sup, Id, How);
increment(Node, Sup, Id, by_id) -> request(Node, {call, Sup, Id, increment, 20000});
increment(Node, Sup, Id, by_pid) ->
    case request(Node, {whereis, Sup, Id}) of
        Pid when is_pid(Pid) ->
            try gen_server:call(Pid, increment, 20000) of
                {error, _} = Error -> Error;
                N -> {ok, N}
            catch exit:{Reason, _} -> {exit, Reason} end;
        Other -> Other
    end.

writers_stop(Pid) ->
    Pid ! {stop, self()},
    receive {Pid, Result} -> Result after 60000 -> timeout end.

length_of(L) when is_list(L) -> length(L);
length_of(M) when is_map(M) -> map_size(M).
first(L) when is_list(L) -> lists:sublist(L, 5);
first(M) when is_map(M) -> lists:sublist(maps:to_list(M), 5).

%% Each of Count ids is started from all nodes at the same moment, through one start_child each; Width ids at
%% a time. The answers must name one pid. Returns {Good, [Bad, up to 10]}.
same_id_race(Nodes, Sup, Prefix, Count, Start, Width) ->
    Ids = [name(Prefix, N) || N <- lists:seq(1, Count)],
    Results = parallel(fun(Id) -> one_race(Nodes, Sup, Id, Start) end, Ids, Width),
    Bad = [R || R <- Results, R =/= good],
    {Count - length(Bad), lists:sublist(Bad, 10)}.

one_race(Nodes, Sup, Id, Start) ->
    Spec = #{id => Id, start => Start, restart => permanent},
    Answers = together([fun() -> request(Node, {start_child, Sup, Spec}) end || Node <- Nodes]),
    Oks = [Pid || {ok, Pid, _} <- Answers],
    Others = [Pid || {error, {already_started, Pid}} <- Answers],
    case {Oks, lists:usort(Oks ++ Others), length(Oks) + length(Others)} of
        {[_], [_], N} when N =:= length(Nodes) -> good;
        _ -> {Id, Answers}
    end.

%% Starts and stops of one id race from different nodes: at the end the table must agree with the answers.
%% Rounds ids, one start by Node1, one stop by Node2 at the same moment, then whatever is there is stopped.
start_stop_race(Nodes, Sup, Prefix, Rounds, Start) ->
    Ids = [name(Prefix, N) || N <- lists:seq(1, Rounds)],
    Results = parallel(fun(Id) -> start_stop(Nodes, Sup, Id, Start) end, Ids, 8),
    Bad = [R || R <- Results, not is_atom(R)],
    Kinds = lists:foldl(fun(R, M) -> maps:update_with(R, fun(C) -> C + 1 end, 1, M) end, #{},
                        [R || R <- Results, is_atom(R)]),
    {Kinds, lists:sublist(Bad, 10)}.

start_stop(Nodes, Sup, Id, Start) ->
    Spec = #{id => Id, start => Start, restart => permanent},
    [A, B | _] = shuffled(Nodes),
    Answers = [S, T] = together([fun() -> request(A, {start_child, Sup, Spec}) end,
                                 fun() -> request(B, {stop_child, Sup, Id}) end]),
    Outcome =
        case {S, T} of
            {{ok, _, _}, ok} -> started_then_stopped;
            {{ok, _, _}, {error, not_found}} -> stop_came_first;
            {{error, {stopped, _}}, ok} -> stop_won;
            {{error, stopped}, ok} -> stop_won;
            _ -> {odd_answers, Id, Answers}
        end,
    %% What the answers say must be what is there, on every node.
    There = case Outcome of stop_came_first -> true; _ -> false end,
    Seen = settle(fun() -> [is_pid(request(N, {whereis, Sup, Id})) || N <- Nodes] end,
                  fun(L) -> lists:all(fun(X) -> X =:= There end, L) end, 50),
    End = request(B, {stop_child, Sup, Id}),
    Expected = case There of true -> ok; false -> {error, not_found} end,
    case {Outcome, Seen, End} of
        {_, {no, L}, _} -> {table_disagrees, Id, Answers, L};
        {O, yes, Expected} when is_atom(O) -> O;
        {O, yes, E} -> {last_stop, Id, O, E, Answers}
    end.

settle(Get, Ok, Tries) ->
    Value = Get(),
    case Ok(Value) of
        true -> yes;
        false when Tries =:= 0 -> {no, Value};
        false -> timer:sleep(20), settle(Get, Ok, Tries - 1)
    end.

%% Runs the functions at the same moment, each in a process; their results in order.
together(Functions) ->
    Me = self(),
    Pids = [spawn(fun() -> receive go -> ok end, Me ! {self(), F()} end) || F <- Functions],
    [P ! go || P <- Pids],
    [receive {P, R} -> R end || P <- Pids].

parallel(F, Items, Width) ->
    Me = self(),
    Parts = deal(Items, Width),
    Pids = [spawn(fun() -> Me ! {self(), [F(I) || I <- Part]} end) || Part <- Parts],
    lists:append([receive {P, R} -> R end || P <- Pids]).

deal(Items, Width) ->
    Indexed = lists:zip(lists:seq(1, length(Items)), Items),
    [[I || {N, I} <- Indexed, N rem Width =:= W] || W <- lists:seq(0, Width - 1)].

shuffled(L) -> [X || {_, X} <- lists:sort([{rand:uniform(), X} || X <- L])].

%% Count callers that call random children through random nodes until callers_stop. An answer is counted by
%% its kind; one that no caller should ever see (another child's, a bare crash) by its text.
callers(Nodes, Sup, Ids, Message, Count) ->
    Tuple = list_to_tuple(Ids),
    NodeTuple = list_to_tuple(Nodes),
    spawn(fun() ->
        process_flag(trap_exit, true),
        Pids = [spawn_link(fun() -> caller(NodeTuple, Sup, Tuple, Message, #{}) end) ||
                   _ <- lists:seq(1, Count)],
        callers_wait(Pids)
    end).

callers_wait(Pids) ->
    receive
        {stop, From} ->
            [P ! {stop, self()} || P <- Pids],
            Counts = [receive {P, M} -> M; {'EXIT', P, R} -> #{{crashed, R} => 1} end || P <- Pids],
            From ! {self(), lists:foldl(fun(M, Sum) ->
                maps:fold(fun(K, V, S) -> maps:update_with(K, fun(C) -> C + V end, V, S) end, Sum, M)
            end, #{}, Counts)}
    end.

callers_stop(Pid) ->
    Pid ! {stop, self()},
    receive {Pid, Counts} -> maps:to_list(Counts) after 60000 -> timeout end.

caller(Nodes, Sup, Ids, Message, Counts) ->
    receive
        {stop, From} -> From ! {self(), Counts}
    after 0 ->
        Node = element(rand:uniform(tuple_size(Nodes)), Nodes),
        Id = element(rand:uniform(tuple_size(Ids)), Ids),
        Kind = case request(Node, {call, Sup, Id, Message, 5000}, 8000) of
                   {ok, _} -> ok;
                   {error, {Code, _}} when is_atom(Code) -> Code;
                   {error, Code} when is_atom(Code) -> Code;
                   {exit, noproc} -> no_node;
                   {exit, {nodedown, _}} -> no_node;
                   {exit, noconnection} -> no_node;
                   {exit, timeout} -> no_answer;
                   Other -> {odd, Other}
               end,
        case Kind of
            ok -> ok;
            _ -> timer:sleep(5)
        end,
        caller(Nodes, Sup, Ids, Message, maps:update_with(Kind, fun(C) -> C + 1 end, 1, Counts))
    end.

%% Calls each of the ids once, Width at a time. {Good, [{Id, Answer}] up to 10}.
call_all(Node, Sup, Ids, Message, Width) ->
    Results = parallel(fun(Id) -> {Id, request(Node, {call, Sup, Id, Message, 10000}, 15000)} end, Ids, Width),
    Bad = [R || {_, A} = R <- Results, not (is_tuple(A) andalso element(1, A) =:= ok)],
    {length(Results) - length(Bad), lists:sublist(Bad, 10)}.

%% The registry as a node has it: {Number of ids, Number of ids without exactly one instance, #{Node => Count}}.
registry(Node, Sup) ->
    case request(Node, {process_list, Sup, global}) of
        List when is_list(List) ->
            Odd = [X || {_, Instances} = X <- List, length(Instances) =/= 1],
            Nodes = lists:foldl(fun({_, Is}, M) ->
                lists:foldl(fun({N, _}, M1) -> maps:update_with(N, fun(C) -> C + 1 end, 1, M1) end, M, Is)
            end, #{}, List),
            {length(List), length(Odd), Nodes};
        Other -> {error, Other}
    end.

%% Monitors a pid or name and waits for its 'DOWN'; the reason, or timeout.
monitor_wait(What, Timeout) ->
    Ref = erlang:monitor(process, What),
    receive {'DOWN', Ref, process, _, Reason} -> Reason after Timeout -> timeout end.

%% Times of Count requests, one after the other: {Median, Worst} in microseconds.
latency(Node, Request, Count) ->
    Times = lists:sort([element(1, timer:tc(fun() -> request(Node, Request) end)) || _ <- lists:seq(1, Count)]),
    {lists:nth((Count + 1) div 2, Times), lists:last(Times)}.

idle(Ms) -> timer:sleep(Ms), ok.

%% Begins to note each node that comes or goes and, with it, the end of a monitor of the process Target there;
%% watched(Target) is what was noted, oldest first: {Milliseconds by the system's clock, up | down | monitor,
%% Node, Reason or none}. The process that notes is registered as Target itself.
watch_nodes(Target) ->
    Me = self(),
    spawn(fun() ->
        register(Target, self()),
        ok = net_kernel:monitor_nodes(true, [nodedown_reason, {node_type, all}]),
        Me ! watching,
        watch_nodes(Target, [])
    end),
    receive watching -> ok end.

watch_nodes(Target, Noted) ->
    receive
        {nodeup, Node, _} ->
            erlang:monitor(process, {Target, Node}),
            watch_nodes(Target, [noted(up, Node, none) | Noted]);
        {nodedown, Node, Info} ->
            watch_nodes(Target, [noted(down, Node, proplists:get_value(nodedown_reason, Info)) | Noted]);
        {'DOWN', _, process, {Target, Node}, Reason} ->
            watch_nodes(Target, [noted(monitor, Node, Reason) | Noted]);
        {get, From} ->
            From ! {noted, lists:reverse(Noted)},
            watch_nodes(Target, Noted)
    end.

noted(What, Node, Reason) -> {os:system_time(millisecond), What, Node, Reason}.

watched(Target) ->
    Target ! {get, self()},
    receive {noted, Noted} -> Noted end.
