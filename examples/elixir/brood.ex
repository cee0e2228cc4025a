defmodule Brood do
  @moduledoc """
  A client of brood's nodes: its children are started, found and called from Elixir as if they were at home here.

  Put it under your supervisor, once for each supervisor of brood that you use; it keeps the connections, the `:pg`
  scope by which children are found, and tells your listeners what happens:

      children = [
        {Brood, supervisor: :web, nodes: [:"n1@host", :"n2@host"], listeners: [MyApp.Rooms]}
      ]
      Supervisor.start_link(children, strategy: :one_for_one)

      {:ok, pid, "alice"} = Brood.start_child(:web, Brood.spec("alice", :counter, [100]))
      105 = GenServer.call({:via, Brood, {:web, "alice"}}, {:add, 5})
      :ok = Brood.stop_child(:web, "alice")

  What a child runs is a worker written in C++, by the name under which it is registered, or an ordinary program. An id
  is any term of at most 255 bytes. Each function asks one of the nodes, the first that can be reached; what it answers
  is in brood's `docs/guide/requests.md`. `{:error, {:unreachable, words}}`: none of the nodes can.
  """
  use GenServer

  @type sup :: atom
  @type id :: term
  @type spec :: map | {atom, list} | atom

  # ---- under a supervisor --------------------------------------------------------------------------------------

  @doc """
  For a supervisor's list of children. Options: `:supervisor`, its name; `:nodes`, those to ask, of which one that can
  be reached is enough; `:listeners`, modules with the behaviour `Brood.Listener`.
  """
  def child_spec(options) do
    %{id: {Brood, Keyword.fetch!(options, :supervisor)}, start: {Brood, :start_link, [options]}}
  end

  def start_link(options), do: GenServer.start_link(Brood, options, name: process_name(Keyword.fetch!(options, :supervisor)))

  # ---- children ------------------------------------------------------------------------------------------------

  @doc """
  What to run: `Brood.spec("alice", :counter, [100], restart: :transient, metadata: %{tag: "small"})`. Of an ordinary
  program the worker is `:exec` and the arguments are a map: `Brood.spec("w1", :exec, %{argv: ["sleep", "60"]})`.
  """
  @spec spec(id, atom, list | map, keyword) :: map
  def spec(id, worker, args \\ [], options \\ []),
    do: Map.merge(%{id: id, start: {worker, args}}, Map.new(options))

  @doc "`{:ok, pid, id}` once the child runs. Options: `:node`, `:timeout`, `:on_failure` and so on, as in the guide."
  @spec start_child(sup, spec, keyword) :: {:ok, pid, id} | {:error, term}
  def start_child(sup, spec, options \\ []), do: ask(sup, :start_child, [spec, Map.new(options)])

  @doc "`{:ok, %{status: _, started: _, errors: _, rollback: _}}`."
  def start_children(sup, specs, options \\ []), do: ask(sup, :start_children, [specs, Map.new(options)])

  @doc "By id, or by pid. `:ok` once nothing of it runs."
  @spec stop_child(sup, id | pid, keyword) :: :ok | {:error, term}
  def stop_child(sup, child, options \\ [])
  def stop_child(sup, pid, options) when is_pid(pid), do: ask(sup, :terminate_child, [pid, Map.new(options)])
  def stop_child(sup, id, options), do: ask(sup, :stop_child, [id, Map.new(options)])

  @doc "`{:ok, %{status: _, stopped: _, errors: _}}`."
  def stop_children(sup, ids, options \\ []), do: ask(sup, :stop_children, [ids, Map.new(options)])

  @doc "`{:ok, pid, id}`: it has ended and runs again."
  def restart_child(sup, id, options \\ []), do: ask(sup, :restart_child, [id, Map.new(options)])

  @doc "`:ok` once the child's metadata is that map; it runs on."
  def update_metadata(sup, id, metadata), do: ask(sup, :update_metadata, [id, metadata])

  @doc "`{:ok, reply}`, wherever it runs; waits for a child that restarts or moves. `{:error, reason}` otherwise."
  def call(sup, id, message, timeout \\ 5000), do: ask(sup, :call, [id, message, timeout])

  @doc "`:ok`, also where there is no such child."
  def cast(sup, id, message), do: ask(sup, :cast, [id, message])

  # ---- looking -------------------------------------------------------------------------------------------------

  @doc "Its pid, or nil."
  @spec whereis(sup, id) :: pid | nil
  def whereis(sup, id), do: some(ask(sup, :whereis, [id]))
  @doc "The id of a pid, or nil."
  def whois(sup, pid), do: some(ask(sup, :whois, [pid]))
  @doc "`{spec, [{node, pid}], metadata}`, or nil."
  def child_lookup(sup, id), do: some(ask(sup, :child_lookup, [id]))
  @doc "`%{id => {pid | :restarting, spec}}`."
  def children(sup), do: ask(sup, :children, [])
  @doc "`[{id, [{node, pid}]}]`."
  def process_list(sup), do: ask(sup, :process_list, [:global])
  @doc "As `process_list/1`, of the children with that tag."
  def tag_query(sup, tag), do: ask(sup, :tag_query, [tag])
  @doc "The node on which a child of that id belongs."
  def node_for(sup, id), do: ask(sup, :node_for, [id])
  @doc "The members that are up and get children."
  def nodes(sup), do: ask(sup, :nodes, [])
  @doc "Why it is where it is, or is not: `{:ok, map}`."
  def why(sup, id), do: ask(sup, :why, [id])

  @doc "Any other request of the guide: `Brood.ask(:web, :move, [\"alice\", :\"n2@host\"])`."
  def ask(sup, request, arguments) do
    case Enum.find(asked_nodes(sup), &(&1 == node() or Node.connect(&1) == true)) do
      nil -> {:error, {:unreachable, "none of the nodes of #{inspect(sup)} can be reached: does one run, and has it the cookie of this node?"}}
      node -> ask_node(node, List.to_tuple([request, sup | arguments]))
    end
  end

  # The node keeps to the time-outs, its own or those that were given. What it did when it is lost nobody knows.
  defp ask_node(node, request) do
    GenServer.call({:brood, node}, request, :infinity)
  catch
    :exit, {{:nodedown, _}, _} -> {:error, {:node_lost, "#{node} was lost; it may have been done"}}
    :exit, {:noproc, _} -> {:error, {:unreachable, "#{node} is no node of brood"}}
  end

  defp asked_nodes(sup) do
    case :persistent_term.get({Brood, sup}, nil) do
      nil -> raise ArgumentError, "no {Brood, supervisor: #{inspect(sup)}, nodes: [...]} runs on this node"
      nodes -> nodes
    end
  end

  defp some(:undefined), do: nil
  defp some(answer), do: answer

  # ---- {:via, Brood, {sup, id}} --------------------------------------------------------------------------------
  #
  # GenServer.call({:via, Brood, {:web, "alice"}}, message) and the like. Read from this node's own table, which :pg
  # keeps; a brood node is asked only for what is not there, as in the first moments.

  @doc false
  def whereis_name({sup, id}) do
    case members(sup, id) do
      [pid | _] -> pid
      [] -> asked_whereis(sup, id)
    end
  end

  @doc false
  def send({sup, id} = name, message) do
    case whereis_name({sup, id}) do
      :undefined -> :erlang.error(:badarg, [name, message])
      pid -> Kernel.send(pid, message)
    end
  end

  @doc false
  # Ids are given by start_child/3, to what brood runs: a process of this node cannot take one.
  def register_name({sup, id} = name, pid) do
    case whereis_name(name) do
      ^pid -> :yes
      :undefined -> raise ArgumentError, "#{inspect(id)}: a child of #{inspect(sup)} gets its id from Brood.start_child"
      _ -> :no
    end
  end

  @doc false
  # The id is the child's for as long as there is the child.
  def unregister_name(_name), do: :ok

  defp members(sup, id) do
    :pg.get_members(sup, id)
  rescue
    ArgumentError -> []
  end

  defp asked_whereis(sup, id) do
    case ask(sup, :whereis, [id]) do
      pid when is_pid(pid) -> pid
      _ -> :undefined
    end
  end

  # ---- the process ---------------------------------------------------------------------------------------------
  #
  # Connected to all nodes, for each tells :pg of its own children; subscribed to one, whose events it passes on.

  @again_ms 500
  @keys [:registry_pid_insert, :registry_pid_remove, :post_cluster_join, :post_cluster_leave]

  defp process_name(sup), do: Module.concat(Brood, sup)

  @impl GenServer
  def init(options) do
    sup = Keyword.fetch!(options, :supervisor)
    nodes = Keyword.fetch!(options, :nodes)
    :persistent_term.put({Brood, sup}, nodes)
    case :pg.start_link(sup) do
      {:ok, _} -> :ok
      {:error, {:already_started, _}} -> :ok
    end
    for node <- nodes, do: Node.connect(node)
    listeners = Keyword.get(options, :listeners, [])
    state = %{sup: sup, nodes: nodes, listeners: listeners, subscription: nil, asked: nil, known: %{}}
    {:ok, subscribed(state), {:continue, :watch}}
  end

  @impl GenServer
  def handle_continue(:watch, state) do
    Process.send_after(self(), :watch, @again_ms)
    {:noreply, state}
  end

  @impl GenServer
  def handle_info(:watch, state) do
    for node <- state.nodes, node not in Node.list(:connected), do: Node.connect(node)
    {:noreply, subscribed(state), {:continue, :watch}}
  end

  def handle_info({:nodedown, node}, %{asked: node} = state),
    do: {:noreply, subscribed(%{state | subscription: nil, asked: nil})}

  def handle_info({:brood_event, ref, key, data}, %{subscription: ref} = state),
    do: {:noreply, heard(state, key, data)}

  def handle_info(_other, state), do: {:noreply, state}

  defp subscribed(%{listeners: []} = state), do: state
  defp subscribed(%{subscription: ref} = state) when ref != nil, do: state

  defp subscribed(state) do
    with node when node != nil <- Enum.find(state.nodes, &(Node.connect(&1) == true)),
         true = Node.monitor(node, true),
         {:ok, ref} <- ask_node(node, {:subscribe, state.sup, @keys}) do
      # What was missed meanwhile is told now.
      rows = ask_node(node, {:process_list, state.sup, :global})
      now = for {id, places} <- rows, {node, pid} <- places, into: %{}, do: {{id, node}, pid}
      gone = for {place, pid} <- state.known, now[place] != pid, do: {place, pid}
      state = Enum.reduce(gone, state, fn {place, _pid}, state -> stopped(state, place) end)
      state = Enum.reduce(now, state, fn {place, pid}, state -> started(state, place, pid) end)
      %{state | subscription: ref, asked: node}
    else
      _ -> state
    end
  end

  defp heard(state, :registry_pid_insert, {id, places}),
    do: Enum.reduce(places, state, fn {node, pid}, state -> started(state, {id, node}, pid) end)

  defp heard(state, :registry_pid_remove, {id, nodes}),
    do: Enum.reduce(nodes, state, fn node, state -> stopped(state, {id, node}) end)

  defp heard(state, :post_cluster_join, node), do: tell(state, :on_node_up, [state.sup, node])
  defp heard(state, :post_cluster_leave, {node, _lost}), do: tell(state, :on_node_down, [state.sup, node])

  defp started(state, {id, _node} = place, pid) do
    case state.known do
      %{^place => ^pid} ->
        state

      _ ->
        state = stopped(state, place)
        tell(%{state | known: Map.put(state.known, place, pid)}, :on_process_start, [state.sup, id, pid])
    end
  end

  defp stopped(state, {id, _node} = place) do
    case Map.pop(state.known, place) do
      {nil, _} -> state
      {pid, known} -> tell(%{state | known: known}, :on_process_stop, [state.sup, id, pid])
    end
  end

  # One that throws harms nobody.
  defp tell(state, function, arguments) do
    for listener <- state.listeners, function_exported?(listener, function, length(arguments)) do
      try do
        apply(listener, function, arguments)
      catch
        kind, reason ->
          :logger.error(~c"~p: ~p ~p of a listener: ~p", [listener, function, kind, reason])
      end
    end

    state
  end
end

defmodule Brood.Listener do
  @moduledoc """
  What a listener may be told, in order, by the process that `{Brood, listeners: [...]}` starts: of the whole cluster,
  not of one node, and first of all of each child that runs already. Take little time. All functions are optional.
  """
  @doc "It was started, has restarted, or has moved to there (then the other stops)."
  @callback on_process_start(Brood.sup(), Brood.id(), pid) :: any
  @callback on_process_stop(Brood.sup(), Brood.id(), pid) :: any
  @callback on_node_up(Brood.sup(), node) :: any
  @callback on_node_down(Brood.sup(), node) :: any
  @optional_callbacks on_process_start: 3, on_process_stop: 3, on_node_up: 2, on_node_down: 2
end
