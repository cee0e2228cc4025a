# What brood.ex promises, on a real cluster:
#
#   elixir --hidden --cookie SECRET --name test@127.0.0.1 brood_test.exs n1@127.0.0.1 n2@127.0.0.1 n3@127.0.0.1
Code.require_file("brood.ex", __DIR__)
ExUnit.start(seed: 0)

defmodule Ears do
  @behaviour Brood.Listener
  def on_process_start(:web, id, pid), do: tell({:started, id, pid})
  def on_process_stop(:web, id, pid), do: tell({:stopped, id, pid})
  defp tell(what), do: if(pid = Process.whereis(:listens), do: send(pid, what))
end

defmodule Throws do
  @behaviour Brood.Listener
  def on_process_start(_, _, _), do: raise("a listener that throws")
end

defmodule BroodTest do
  use ExUnit.Case

  setup_all do
    Logger.configure(level: :none)
    nodes = Enum.map(System.argv(), &String.to_atom/1)
    {:ok, _} = Supervisor.start_link([{Brood, supervisor: :web, nodes: nodes, listeners: [Throws, Ears]}], strategy: :one_for_one)
    %{nodes: nodes}
  end

  setup %{test: test} do
    id = {test, System.unique_integer()}
    on_exit(fn -> Brood.stop_child(:web, id) end)
    %{id: id, via: {:via, Brood, {:web, id}}}
  end

  test "a child is found by its name at once", %{id: id, via: via} do
    for _ <- 1..20 do
      {:ok, pid, ^id} = Brood.start_child(:web, Brood.spec(id, :counter, [1]))
      assert GenServer.whereis(via) == pid
      assert GenServer.call(via, {:add, 2}) == 3
      assert Brood.whois(:web, pid) == id
      assert Brood.stop_child(:web, id) == :ok
      assert Brood.whereis(:web, id) == nil
      wait(fn -> GenServer.whereis(via) == nil end)
    end
  end

  test "call, cast and send", %{id: id, via: via} do
    {:ok, _, _} = Brood.start_child(:web, Brood.spec(id, :counter))
    assert Brood.call(:web, id, {:add, 1}) == {:ok, 1}
    assert Brood.cast(:web, id, {:add, 1}) == :ok
    assert Brood.call(:web, id, :get) == {:ok, 2}
    assert Brood.send({:web, id}, {:add, 1}) == {:add, 1}
    assert GenServer.call(via, :get) == 3
    assert {:error, {:type_mismatch, _}} = Brood.call(:web, id, :nonsense)
    assert :sys.get_state(via, 1000) == 3
    assert {:error, {:no_such_child, _}} = Brood.call(:web, {id, :none}, :get)
    assert Brood.cast(:web, {id, :none}, :get) == :ok
    assert_raise ArgumentError, fn -> Brood.send({:web, {id, :none}}, :get) end
    assert {:noproc, _} = catch_exit(GenServer.call({:via, Brood, {:web, {id, :none}}}, :get))
  end

  test "names are given by start_child alone", %{id: id, via: via} do
    {:ok, pid, _} = Brood.start_child(:web, Brood.spec(id, :counter))
    assert Brood.register_name({:web, id}, pid) == :yes
    assert Brood.register_name({:web, id}, self()) == :no
    assert Brood.unregister_name({:web, id}) == :ok
    assert GenServer.whereis(via) == pid
    assert_raise ArgumentError, ~r/start_child/, fn -> Brood.register_name({:web, {id, :free}}, self()) end
  end

  test "options, many at once, metadata and where things are", %{id: id, nodes: nodes} do
    node = List.last(nodes)
    spec = Brood.spec(id, :counter, [], metadata: %{tag: "t"})
    {:ok, pid, _} = Brood.start_child(:web, spec, node: node, timeout: 20_000)
    assert node(pid) == node
    assert {%{id: ^id}, [{^node, ^pid}], %{tag: "t"}} = Brood.child_lookup(:web, id)
    assert {id, [{node, pid}]} in Brood.tag_query(:web, "t")
    assert Brood.update_metadata(:web, id, %{tag: "u"}) == :ok
    assert Brood.ask(:web, :get_pids, [id]) == [pid]
    assert {:ok, %{status: :error, rollback: true}} =
             Brood.start_children(:web, [Brood.spec({id, 1}, :counter), Brood.spec({id, 2}, :none)], on_failure: :rollback)
    assert Brood.whereis(:web, {id, 1}) == nil
    assert {:ok, ^id, _} = with({:ok, new, id} <- Brood.restart_child(:web, id), do: {:ok, id, new})
    assert {:ok, %{id: ^id}} = Brood.why(:web, id)
    assert Brood.node_for(:web, id) in Brood.nodes(:web)
    pid = Brood.whereis(:web, id)
    assert Brood.stop_child(:web, pid) == :ok
    assert Brood.stop_child(:web, id) == {:error, :not_found}
  end

  test "a listener hears of children, whatever others do", %{id: id, via: via} do
    Process.register(self(), :listens)
    {:ok, first, _} = Brood.start_child(:web, Brood.spec(id, :counter))
    assert_receive {:started, ^id, ^first}, 5000
    Process.exit(GenServer.whereis(via), :crash)
    assert_receive {:stopped, ^id, ^first}, 5000
    assert_receive {:started, ^id, second}, 5000
    assert second != first
    :ok = Brood.stop_child(:web, id)
    assert_receive {:stopped, ^id, ^second}, 5000
    refute_received {:started, ^id, _}
  end

  test "nodes that cannot be reached are said so" do
    {:ok, _} = Supervisor.start_link([{Brood, supervisor: :nowhere, nodes: [:"none@127.0.0.1"]}], strategy: :one_for_one)
    assert {:error, {:unreachable, _}} = Brood.start_child(:nowhere, Brood.spec("a", :counter))
    assert_raise ArgumentError, ~r/unheard_of/, fn -> Brood.whereis(:unheard_of, "a") end
  end

  defp wait(condition, tries \\ 500)
  defp wait(_, 0), do: flunk("not within 5 s")

  defp wait(condition, tries) do
    unless condition.() do
      Process.sleep(10)
      wait(condition, tries - 1)
    end
  end
end
