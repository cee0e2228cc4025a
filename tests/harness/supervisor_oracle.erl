%% A supervisor of brood's beside one of OTP's: the same is done to both, and both must come to the same.
-module(supervisor_oracle).
-behaviour(supervisor).
-export([init/1, inner/0, same/4]).

init(Args) -> {ok, Args}.

inner() -> {ok, spawn_link(fun() -> receive never -> ok end end)}.

%% Brood: the pid of a local supervisor that was started with the same Flags and specs({exiter, []}). Children:
%% [{Id, Restart, Significant}]. Ops: see do/3. ok, or {differ, Op, of OTP's, of brood's}.
same(Brood, Flags, Children, Ops) ->
    logger:set_primary_config(level, none),
    {ok, Otp} = supervisor:start_link(?MODULE, {Flags, [spec(otp, C) || C <- Children]}),
    unlink(Otp),
    Watched = [{erlang:monitor(process, Sup), Sup} || Sup <- [Otp, Brood]],
    Answer = run(Ops, Otp, Brood),
    exit(Otp, kill),
    [erlang:demonitor(Ref, [flush]) || {Ref, _} <- Watched],
    Answer.

spec(Kind, {Id, Restart, Significant}) ->
    Start = case Kind of otp -> {?MODULE, inner, []}; brood -> {exiter, []} end,
    #{id => Id, start => Start, restart => Restart, significant => Significant, shutdown => 5000}.

run([], _, _) -> ok;
run([Op | Ops], Otp, Brood) ->
    Before = {children(Otp), children(Brood)},
    Answers = {do(otp, Otp, Op), do(brood, Brood, Op)},
    timer:sleep(5),
    case compare(Op, Answers, Before, Otp, Brood, 100) of
        over -> ok;
        ok -> run(Ops, Otp, Brood);
        Other -> Other
    end.

%% What an exit leads to comes after it; but before long.
compare(Op, {Theirs, Ours}, {TheirsBefore, OursBefore} = Before, Otp, Brood, Times) ->
    A = {Theirs, shape(TheirsBefore, children(Otp)), counts(Otp)},
    B = {Ours, shape(OursBefore, children(Brood)), counts(Brood)},
    if
        A =:= B, element(2, A) =:= dead ->
            case {reason(Otp), reason(Brood)} of
                {Same, Same} -> over;
                {R1, R2} -> {differ, Op, R1, R2}
            end;
        A =:= B -> ok;
        Times =:= 0 -> {differ, Op, A, B};
        true -> timer:sleep(50), compare(Op, {Theirs, Ours}, Before, Otp, Brood, Times - 1)
    end.

children(Sup) ->
    try [{Id, C} || {Id, C, worker, [_]} <- supervisor:which_children(Sup)] catch exit:_ -> dead end.

counts(Sup) ->
    try supervisor:count_children(Sup) catch exit:_ -> dead end.

reason(Sup) ->
    receive {'DOWN', _, process, Sup, Reason} -> Reason after 5000 -> timeout end.

%% In the order in which they are told: which run that ran before, which anew.
shape(_, dead) -> dead;
shape(dead, _) -> alive;
shape(Before, After) ->
    [{Id, case C of
              Pid when is_pid(Pid) -> case lists:keyfind(Id, 1, Before) of {Id, Pid} -> same; _ -> new end;
              Other -> Other
          end} || {Id, C} <- After].

%% {exit, Id, Reason}, {start, Child}, {terminate_child | restart_child | delete_child, Id}, {get, Id}
do(Kind, Sup, Op) ->
    try said(act(Kind, Sup, Op)) catch exit:_ -> dead end.

act(_, Sup, {exit, Id, Reason}) ->
    case lists:keyfind(Id, 1, supervisor:which_children(Sup)) of
        {Id, Pid, _, _} when is_pid(Pid) ->
            Ref = erlang:monitor(process, Pid),
            exit(Pid, Reason),
            receive {'DOWN', Ref, process, Pid, Why} -> {ended, Why} after 5000 -> timeout end;
        _ -> none
    end;
act(Kind, Sup, {start, Child}) -> supervisor:start_child(Sup, spec(Kind, Child));
act(_, Sup, {get, Id}) ->
    case supervisor:get_childspec(Sup, Id) of
        {ok, Spec} -> maps:with([id, restart, shutdown, type, significant], Spec);
        Other -> Other
    end;
act(_, Sup, {What, Id}) -> supervisor:What(Sup, Id).

said({ok, Pid}) when is_pid(Pid) -> ok;
said({error, {already_started, Pid}}) when is_pid(Pid) -> {error, already_started};
%% OTP refuses a spec with {bad_combination, _}, brood in words.
said({error, {bad_combination, _}}) -> {error, refused};
said({error, {invalid_argument, _}}) -> {error, refused};
said(Other) -> Other.
