using Aurae.Hosts.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>
/// What a tenant's record allows to the records of that tenant, inside one unit of work. The tenant's record is the one of that name in the
/// default tenant; without one there is no limit. Invariants: the tenants' own records can be changed whatever they say, so that none locks
/// itself out; a change of one counts from the next operation on, in the same unit too.
/// </summary>
internal sealed class TenantLimits(WriteUnit unit, RecordRows rows, string tenant, bool isDaemon)
{
    private static readonly RecordTable Tenants = Tables.ByTypeName[Tenant.Descriptor.FullName];
    private Tenant? _limits;
    private bool _isRead;

    private Tenant? Limits
    {
        get
        {
            if (!_isRead)
            {
                _limits = rows.Find(Tenants, RecordNames.DefaultTenant, tenant)?.Body as Tenant;
                _isRead = true;
            }

            return _limits;
        }
    }

    /// <summary>Fault(Precondition) when the tenant is read-only.</summary>
    public void RequireWritable(RecordTable table)
    {
        if (!IsTenant(table))
        {
            RequireWritable();
        }
    }

    /// <summary>Of what is no record.</summary>
    public void RequireWritable()
    {
        if (!isDaemon && Limits is { ReadOnly: true })
        {
            throw new Fault(
                FaultKind.Precondition,
                $"tenant '{tenant}' is read-only: its records cannot be changed",
                hint: $"set read_only of tenant '{tenant}' to false in the tenant '{RecordNames.DefaultTenant}'")
            { Reason = "TENANT_READ_ONLY" };
        }
    }

    /// <summary>To be told after the row is written. Fault(Exhausted) when the tenant holds more than it may.</summary>
    public void Created(RecordTable table, string name)
    {
        if (Limits is { HasRecordCountMax: true, RecordCountMax: var max } && (ulong)TenantRows.Count(unit, tenant, 1) > max && !isDaemon && !IsTenant(table))
        {
            throw new Fault(
                FaultKind.Exhausted,
                $"tenant '{tenant}' may hold {max} records and has no room for {table.Name} '{name}'",
                hint: $"delete records that are not needed, or raise record_count_max of tenant '{tenant}'")
            { Reason = "TENANT_FULL" };
        }

        Changed(table, name);
    }

    /// <summary>To be told after the row is written.</summary>
    public void Deleted(RecordTable table, string name)
    {
        if (Limits is { HasRecordCountMax: true })
        {
            _ = TenantRows.Count(unit, tenant, -1);
        }

        Changed(table, name);
    }

    /// <summary>To be told after the row is written.</summary>
    public void Changed(RecordTable table, string name)
    {
        if (IsTenant(table))
        {
            TenantRows.Forget(unit, name);
            _isRead = false;
        }
    }

    private bool IsTenant(RecordTable table) => ReferenceEquals(table, Tenants) && tenant == RecordNames.DefaultTenant;
}
